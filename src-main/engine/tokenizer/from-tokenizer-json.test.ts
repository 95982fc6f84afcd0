import { describe, expect, it } from 'vitest';
import { EngineError } from '../api/errors.ts';
import { tokenizerFromJson } from './from-tokenizer-json.ts';
import { tinyTransformerJson } from './test-support/tiny-transformer.ts';

/** The loader's error for the built-in file with one part changed; `path` as in `decoder.decoders[1]`. */
function complaint(path: string, value: unknown): EngineError {
  const json = tinyTransformerJson();
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop()!;
  const parent = keys.reduce<Record<string, unknown>>((part, key) => part[key] as Record<string, unknown>, json);
  parent[last] = value;
  try {
    tokenizerFromJson(json, 'tokenizer.json');
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  return expect.fail(`${path} = ${JSON.stringify(value)} was accepted`);
}

describe('an unsupported part', () => {
  it.each([
    ['normalizer.type', 'Precompiled'],
    ['normalizer.normalizers[0].type', 'Nothing'],
    ['pre_tokenizer.type', 'UnicodeScripts'],
    ['pre_tokenizer.behavior', 'Shredded'],
    ['pre_tokenizer.pattern.Regex', '(?i:[^a])'],
    ['pre_tokenizer.pattern.Regex', '(?i:é)'],
    ['pre_tokenizer.pattern.Regex', '\\p{Klingon}'],
    ['pre_tokenizer.pattern.Regex', '(a+)+b'],
    ['model.type', 'WordSalad'],
    ['model.type', '__proto__'],
    ['post_processor.type', 'Nothing'],
    ['decoder.type', 'Nothing'],
    ['decoder.decoders[0].type', 'toString'],
  ])('is named: %s = %j', (path, value) => {
    const error = complaint(path, value);
    expect(error.code).toBe('UNSUPPORTED_TOKENIZER');
    expect(error.details['path']).toBe(path);
    expect(error.message).toContain(`tokenizer.json uses ${path} `);
    expect(error.message).toContain(String(value));
  });
});

describe('a damaged file', () => {
  it.each([
    ['model', null],
    ['model.type', 7],
    ['model.vocab', []],
    ['model.vocab.cat', 'five'],
    ['model.vocab.cat', -1],
    ['model.vocab.cat', 1.5],
    ['model.vocab.cat', 1e9],
    ['model.vocab.cat', 0],
    ['model.unk_token', '<NONE>'],
    ['model.max_input_chars_per_word', null],
    ['added_tokens', {}],
    ['added_tokens[0].id', 17],
    ['added_tokens[0].content', ''],
    ['added_tokens[0].special', 'yes'],
    ['added_tokens[0].lstrip', 1],
    ['normalizer', 'NFC'],
    ['normalizer.normalizers', null],
    ['normalizer.normalizers[1].pattern', {}],
    ['normalizer.normalizers[1].pattern', { String: 'a', Regex: 'b' }],
    ['normalizer.normalizers[1].content', 5],
    ['pre_tokenizer.invert', 'no'],
    ['pre_tokenizer.pattern.Regex', '(a'],
    ['pre_tokenizer.pattern.Regex', '[z-a]'],
    ['post_processor.single', []],
    ['post_processor.single[0].SpecialToken.id', '<NONE>'],
    ['post_processor.special_tokens.<BOS>.ids[0]', 9999],
    ['decoder.decoders[0].cleanup', null],
  ])('is refused: %s = %j', (path, value) => {
    const error = complaint(path, value);
    expect(error.code).toBe('MODEL_FORMAT');
    expect(error.message).toMatch(/^tokenizer\.json is damaged: /);
  });

  it.each([null, [], 'text', 5, {}])('is refused: %j as the whole file', (json) => {
    expect(() => tokenizerFromJson(json, 'tokenizer.json')).toThrow(expect.objectContaining({ code: 'MODEL_FORMAT' }));
  });
});

describe('absent parts', () => {
  const bare = () => ({
    ...tinyTransformerJson(),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
  });

  it('have no effect: the text is one word, no token is added, pieces are joined with spaces', () => {
    const tokenizer = tokenizerFromJson(bare(), 'tokenizer.json');
    expect(tokenizer.bosTokenId).toBeNull();
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.encodePieces('cats').map(({ range }) => range)).toEqual([[0, 4]]);
    expect(tokenizer.encode('the cat')).toEqual([tokenizer.unkTokenId]);
    expect(tokenizer.decode(tokenizer.encode('cat'))).toBe('cat');
    expect(tokenizer.decode([0, ...tokenizer.encode('cat')], false)).toBe('<BOS> cat');
  });

  it('leave ordinary added tokens, which are found in every text, longest first', () => {
    const added_tokens = [
      { id: 8000, content: '<tool', special: false },
      { id: 8001, content: '<tool>', special: false },
      { id: 8002, content: '<end>', special: true },
    ];
    const tokenizer = tokenizerFromJson({ ...bare(), added_tokens }, 'tokenizer.json');
    const cat = tokenizer.encode('cat')[0]!;
    expect(tokenizer.encode('cat<tool>cat<tool')).toEqual([cat, 8001, cat, 8000]);
    expect(tokenizer.encode('cat<end>', { parseSpecial: true })).toEqual([cat, 8002]);
    expect(tokenizer.encode('cat<end>')).toEqual([tokenizer.unkTokenId]);
    expect(tokenizer.decode([cat, 8002, 8001])).toBe('cat <tool>');
  });

  it('make an id without a token a special token without text', () => {
    const tokenizer = tokenizerFromJson(
      { ...bare(), added_tokens: [{ id: 8005, content: '<far>', special: false }] },
      'tokenizer.json',
    );
    const [cat, far] = tokenizer.encode('cat<far>');
    expect(far).toBe(8005);
    expect(tokenizer.decode([cat!, 8002, far!], false)).toBe('cat <far>');
    expect([tokenizer.piece(8002), tokenizer.kind(8002), tokenizer.isSpecial(8002)]).toEqual([
      '<unused 8002>',
      'unused',
      true,
    ]);
    expect(tokenizer.bytes(8002)).toHaveLength(0);
  });
});
