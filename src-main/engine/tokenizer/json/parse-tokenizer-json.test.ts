import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJson } from '../from-tokenizer-json.ts';
import { seededRandom } from '../../test-support/mutate.ts';
import { PackedPairs, PackedRecord } from './packed-parts.ts';
import { parseTokenizerJson } from './parse-tokenizer-json.ts';

const parse = (json: string) => parseTokenizerJson(new TextEncoder().encode(json));
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 5 }), fc.constantFrom('__proto__', '7', '', 'a b'));
const vocab = fc.dictionary(text, fc.nat(999_999_999));
const word = fc.string({ unit: 'binary', maxLength: 3 }).filter((part) => !part.includes(' '));
const merges = fc.array(
  fc.oneof(
    fc.tuple(text, text),
    fc.tuple(word, word).map((pair) => pair.join(' ')),
  ),
);

/** Converts a packed part to what JSON.parse gives. */
function unpacked(part: unknown): unknown {
  return part instanceof PackedRecord ? part.toRecord() : part instanceof PackedPairs ? part.toList() : part;
}

/** Converts merges from JSON.parse to pairs. */
function asPairs(merges: unknown): unknown {
  return Array.isArray(merges)
    ? merges.map((merge: unknown) => (typeof merge === 'string' ? merge.split(' ') : merge))
    : merges;
}

interface File {
  model: Record<string, unknown>;
}

/** A damaged file may have another key. */
type DamagedFile = Partial<File>;

describe('parseTokenizerJson', () => {
  it('finds what JSON.parse finds, at any position and with any surroundings', () => {
    const members = { vocab, merges, type: fc.constant('BPE'), other: fc.jsonValue() };
    const model = fc.record(members, { requiredKeys: [] });
    const file = fc.record(
      { model, before: fc.jsonValue(), added_tokens: fc.jsonValue() },
      { requiredKeys: ['model'] },
    );
    fc.assert(
      fc.property(file, fc.boolean(), fc.constantFrom(undefined, 2, '\t'), (made, backwards, indent) => {
        const turned = (record: object) => Object.fromEntries(Object.entries(record).reverse());
        const ordered = backwards ? turned({ ...made, model: turned(made.model) }) : made;
        const json = JSON.stringify(ordered, null, indent);
        const [found, wanted] = [parse(json) as File, JSON.parse(json) as File];
        expect({ ...found, model: null }).toEqual({ ...wanted, model: null });
        expect(Object.keys(found.model)).toEqual(Object.keys(wanted.model));
        for (const key of Object.keys(wanted.model)) {
          const isMerges = key === 'merges';
          const plain = isMerges ? asPairs(wanted.model[key]) : wanted.model[key];
          expect(unpacked(found.model[key])).toEqual(plain);
          if (isMerges) expect(found.model[key]).toBeInstanceOf(PackedPairs);
          if (key === 'vocab') expect(found.model[key]).toBeInstanceOf(PackedRecord);
        }
      }),
    );
  });

  it('keeps the ids with their gaps and order', () => {
    const { model } = parse(
      ' {"model": {"vocab": {"b": 7, "a": 0, "b": 8}, "merges": ["a b", ["a b", "c"]]}} ',
    ) as File;
    const { keys, values } = model['vocab'] as PackedRecord;
    expect(keys.texts()).toEqual(['b', 'a', 'b']);
    expect([...values]).toEqual([7, 0, 8]);
    expect((model['merges'] as PackedPairs).toList()).toEqual([
      ['a', 'b'],
      ['a b', 'c'],
    ]);
  });

  it('leaves parts of other shapes to JSON.parse', () => {
    const json = { model: { vocab: [['a', -1.5]], merges: null }, other: { vocab: { a: 1 }, merges: ['a b'] } };
    expect(parse(JSON.stringify(json))).toEqual(json);
    expect(parse('{"model": null}')).toEqual({ model: null });
    expect(parse('{}')).toEqual({});
  });

  it.each([
    ['an id that is none', '{"model": {"vocab": {"a": -1}}}'],
    ['a fraction', '{"model": {"vocab": {"a": 1.5}}}'],
    ['a text for an id', '{"model": {"vocab": {"a": "1"}}}'],
    ['a merge without a space', '{"model": {"merges": ["ab"]}}'],
    ['a merge with two spaces', '{"model": {"merges": ["a b c"]}}'],
    ['a merge of three', '{"model": {"merges": [["a", "b", "c"]]}}'],
    ['half a surrogate pair', '{"model": {"vocab": {"\\ud83d": 1}}}'],
    ['a part twice', '{"model": {"vocab": {"a": 1}, "vocab": {}}}'],
    ['the model twice', '{"model": {"vocab": {"a": 1}}, "model": {}}'],
    ['a key with an escape', '{"model": {"voc\\u0061b": {"a": 1}}}'],
    ['a key with a byte order mark', '{"\ufeffmodel": {"vocab": {"a": 1}}, "m\\u006fdel": 1}'],
    ['another thing than an object', '[]'],
  ])('leaves a file with %s to JSON.parse', (_, json) => {
    expect(() => JSON.parse(json) as unknown).not.toThrow();
    expect(parse(json)).toBeUndefined();
  });

  it('accepts no file that JSON.parse refuses, and only UTF-8', () => {
    const json = JSON.stringify({ a: ['é'], model: { b: 1, vocab: { é: 0, '"\n': 1 }, merges: ['é b', ['c', '😀']] } });
    const bytes = new TextEncoder().encode(json);
    for (let end = 0; end < bytes.length; end++) expect(parseTokenizerJson(bytes.subarray(0, end))).toBeUndefined();
    const random = seededRandom(1);
    let taken = 0;
    for (let run = 0; run < 20_000; run++) {
      const damaged = bytes.slice();
      const at = Math.floor(random() * bytes.length);
      const inserted = Math.floor(random() * 256);
      damaged[at] = random() < 0.5 ? inserted : bytes[Math.floor(random() * bytes.length)]!;
      const found = parseTokenizerJson(damaged) as DamagedFile | undefined;
      if (found === undefined) continue;
      taken++;
      const wanted = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(damaged)) as DamagedFile;
      expect(Object.keys(found)).toEqual(Object.keys(wanted));
      expect(Object.keys(found.model ?? {})).toEqual(Object.keys(wanted.model ?? {}));
      expect(unpacked(found.model?.['vocab'])).toEqual(wanted.model?.['vocab']);
      expect(unpacked(found.model?.['merges'])).toEqual(asPairs(wanted.model?.['merges']));
    }
    expect(taken).toBeGreaterThan(1000);
  });
});

describe('a tokenizer of packed parts', () => {
  it('shares no mutable state with another one of them', () => {
    const content = parse('{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}') as object;
    const withToken = (token: string) =>
      tokenizerFromJson({ ...content, added_tokens: [{ id: 1, content: token, special: false }] }, 'tokenizer.json');
    const [first, second] = [withToken('<one>'), withToken('<two>')];
    expect([first.piece(1), second.piece(1)]).toEqual(['<one>', '<two>']);
    expect([first.encode('<one>a'), second.encode('<two>a')]).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  const file = (vocab: string, merges: string) =>
    `{"model": {"type": "BPE", "vocab": ${vocab}, "merges": ${merges}, "unk_token": null}}`;

  /** Ids of a text, or the error for the file: with parseTokenizerJson, and with JSON.parse. */
  function both(json: string): [packed: unknown, parsed: unknown] {
    const attempt = (content: unknown) => {
      try {
        return tokenizerFromJson(content, 'tokenizer.json').encode('abcab');
      } catch (error) {
        return error instanceof Error ? error.message : error;
      }
    };
    return [attempt(parse(json)), attempt(JSON.parse(json))];
  }

  it.each([
    ['ids with gaps', '{"ab": 9, "c": 7, "a": 2, "b": 5}', '["a b"]', [9, 7, 9]],
    ['a merge that is there twice', '{"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4}', '["a b", "b c", "a b"]', [0, 4, 3]],
    ['a key that is there twice', '{"a": 0, "b": 1, "c": 2, "ab": 3, "c": 5}', '[["a", "b"]]', [3, 5, 3]],
    ['an id for two pieces', '{"a": 0, "b": 1, "c": 1}', '[]', 'model.vocab.c gives the id 1 to "c" and to "b"'],
    ['an id too high', '{"a": 99999999}', '[]', 'model.vocab.a must be a whole number from 0 to 4194304'],
    ['a merge without its result', '{"a": 0, "b": 1}', '["a b"]', 'model.merges[0] needs "ab"'],
    ['a merge of nothing', '{"a": 0, "b": 1}', '[["", "b"]]', 'model.merges[0] needs ""'],
  ])('is the same with %s', (_, vocab, merges, expected) => {
    const [packed, parsed] = both(file(vocab, merges));
    expect(packed).toEqual(parsed);
    if (typeof expected === 'string') expect(packed).toContain(expected);
    else expect(packed).toEqual(expected);
  });
});
