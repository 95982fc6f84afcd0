import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tokenizerFromJson } from './from-tokenizer-json.ts';
import { tinyTransformer as tokenizer, tinyTransformerJson } from './test-support/tiny-transformer.ts';
import { whiteSpace } from './unicode/sets.ts';

interface GoldenCase {
  text: string;
  ids: number[];
  ids_bos: number[];
  decoded: string;
  decoded_skip: string;
}

const golden = JSON.parse(readFileSync(new URL('../fixtures/tokenizer-golden.json', import.meta.url), 'utf8')) as {
  cases: GoldenCase[];
};

const UNK = tokenizer.unkTokenId!;
const words = Object.keys(tinyTransformerJson().model.vocab).filter((piece) => !/^(##|<)/.test(piece));
const anyId = fc.integer({ min: 0, max: tokenizer.vocabularySize - 1 });
/** Ids whose decoding depends on the next token are rare, so some are listed. */
const trickyId = fc.constantFrom(...['“', '”', '(', ')', ';', ':', '.', "'", '!', '##s', '<EOS>', '<UNK>'].map(idOf));
const ids = fc.array(fc.oneof(anyId, trickyId), { maxLength: 60 });
const proseText = fc
  .array(fc.tuple(fc.constantFrom(...words), fc.constantFrom(' ', ' ', '', '\n', ' "', '" ', "'", ' (', ') ', '. ')))
  .map((parts) => parts.flat().join(''));
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), proseText);

function idOf(piece: string): number {
  return tinyTransformerJson().model.vocab[piece] ?? expect.fail(`"${piece}" is not in the vocabulary`);
}

describe('against Hugging Face tokenizers', () => {
  it.each(golden.cases.map((golden, i) => ({ ...golden, i })))('golden string $i', (expected) => {
    expect(tokenizer.encode(expected.text, { addSpecial: false })).toEqual(expected.ids);
    expect(tokenizer.encode(expected.text)).toEqual(expected.ids_bos);
    expect(tokenizer.decode(expected.ids, false)).toBe(expected.decoded);
    expect(tokenizer.decode(expected.ids)).toBe(expected.decoded_skip);
  });

  it('gives the ids of their JavaScript package for ASCII texts (its \\w is ASCII only)', () => {
    const oracle = new HuggingFaceTokenizer(tinyTransformerJson(), {});
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme-ascii' }), proseText), (text) => {
        fc.pre(/^[\x20-\x7e\n]*$/.test(text));
        expect(tokenizer.encode(text)).toEqual(oracle.encode(text).ids);
      }),
    );
  });
});

describe('encoding', () => {
  it('is stable: encode(decode(encode(t))) = encode(t) when every word is known', () => {
    fc.assert(
      fc.property(fc.oneof(proseText, fc.string({ unit: 'grapheme-ascii' })), (text) => {
        const encoded = tokenizer.encode(text, { addSpecial: false });
        fc.pre(!encoded.includes(UNK));
        expect(tokenizer.encode(tokenizer.decode(encoded), { addSpecial: false })).toEqual(encoded);
      }),
    );
  });

  it('parses special tokens in a text only on request', () => {
    const special = ['<BOS>', '<EOS>', '<UNK>'].map(idOf);
    expect(tokenizer.encode('a<EOS>b', { parseSpecial: true })).toEqual([0, idOf('a'), 1, idOf('b')]);
    const plain = tokenizer.encodePieces('a<EOS>b <BOS>', { addSpecial: false });
    expect(plain.filter((token) => token.special && !token.unknown)).toEqual([]);
    expect(tokenizer.encode('<EOS>', { parseSpecial: true, addSpecial: false })).toEqual([special[1]]);
  });

  it('makes a word of more than 100 characters one unknown token, counted in code points', () => {
    expect(tokenizer.encode('a'.repeat(100), { addSpecial: false })).not.toContain(UNK);
    expect(tokenizer.encode('a'.repeat(101), { addSpecial: false })).toEqual([UNK]);
    const json = tinyTransformerJson();
    json.model.vocab['𝔞'] = 8000;
    json.model.vocab['##𝔞'] = 8001;
    const wide = tokenizerFromJson(json, 'tokenizer.json');
    expect(wide.encode('𝔞'.repeat(100), { addSpecial: false })).toHaveLength(100);
    expect(wide.encode('𝔞'.repeat(101), { addSpecial: false })).toEqual([UNK]);
  });

  it('treats a lone surrogate as U+FFFD', () => {
    expect(tokenizer.encode('x\ud800y')).toEqual(tokenizer.encode('x\ufffdy'));
    expect(tokenizer.encodePieces('x\ud800y').map((token) => token.range)).toEqual([null, [0, 1], [1, 2], [2, 3]]);
  });

  it('accepts a word of any length', () => {
    expect(tokenizer.encode('w'.repeat(2 ** 22), { addSpecial: false })).toEqual([UNK]);
  });
});

describe('ranges of tokens', () => {
  it('refer to the original text, despite normalisation', () => {
    const text = 'He said "it’s cafe\u0301" 日本';
    const pieces = tokenizer.encodePieces(text).filter((token) => token.range);
    expect(pieces.map(({ range }) => text.slice(...range!))).toEqual([
      'He',
      'said',
      '"',
      'it’s',
      'cafe\u0301',
      '"',
      '日本',
    ]);
    expect(pieces.map(({ unknown }) => unknown)).toEqual([false, false, false, false, true, false, true]);
  });

  it('split a word of several pieces', () => {
    const text = 'unhappinesses';
    const pieces = tokenizer.encodePieces(text, { addSpecial: false });
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map(({ range }) => text.slice(...range!))).toEqual(
      pieces.map(({ piece }) => piece.replace('##', '')),
    );
  });

  it('are ordered, within the text, and cover every character except spaces', () => {
    const isSpace = (unit: string) =>
      whiteSpace().ranges.some(([a, b]) => unit.charCodeAt(0) >= a && unit.charCodeAt(0) <= b);
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, parseSpecial) => {
        const covered = new Array<boolean>(text.length).fill(false);
        let previous: readonly [number, number] = [0, 0];
        for (const { range } of tokenizer.encodePieces(text, { parseSpecial })) {
          if (!range) continue;
          expect(range[0]).toBeLessThan(range[1]);
          expect(range[0]).toBeGreaterThanOrEqual(previous[0]);
          expect(range[1]).toBeGreaterThanOrEqual(previous[1]);
          expect(range[1]).toBeLessThanOrEqual(text.length);
          covered.fill(true, ...range);
          previous = range;
        }
        expect([...covered.keys()].filter((i) => !covered[i] && !isSpace(text[i]!))).toEqual([]);
      }),
    );
  });

  it('belong to the same ids as from encode', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), fc.boolean(), (text, addSpecial, parseSpecial) => {
        const options = { addSpecial, parseSpecial };
        expect(tokenizer.encodePieces(text, options).map(({ id }) => id)).toEqual(tokenizer.encode(text, options));
      }),
    );
  });
});

describe('decoding', () => {
  it('gives the same text token by token as at once', () => {
    fc.assert(
      fc.property(ids, fc.boolean(), (sequence, skipSpecial) => {
        const stream = tokenizer.stream({ skipSpecial });
        const parts = sequence.map((id) => stream.push(id));
        expect(parts.join('') + stream.flush()).toBe(tokenizer.decode(sequence, skipSpecial));
      }),
    );
  });

  it('reports whether text is held back', () => {
    fc.assert(
      fc.property(ids, (sequence) => {
        const stream = tokenizer.stream();
        sequence.forEach((id) => stream.push(id));
        const { pending } = stream;
        expect(stream.flush() !== '').toBe(pending);
        expect(stream.pending).toBe(false);
      }),
    );
  });

  it('returns each word at once', () => {
    const stream = tokenizer.stream();
    expect(['The', '“', 'cat', '##s', '(', 'sat', ')', ';'].map((piece) => stream.push(idOf(piece)))).toEqual([
      'The',
      '',
      ' “cat',
      's',
      '',
      ' (sat',
      ')',
      ';',
    ]);
  });

  it('refuses ids that do not exist', () => {
    for (const id of [-1, 8000, 1.5, NaN, 2 ** 31]) {
      expect(() => tokenizer.decode([id])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
    }
  });
});
