import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson, type StrictJson } from './strict-json.ts';

const parse = (text: string, maxDepth = 100) => parseStrictJson(text, { maxDepth }, 'test.json: the text');

/** Converts to what JSON.parse gives. */
function plain(value: StrictJson): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...(value as ReadonlyMap<string, StrictJson>)].map(([key, item]) => [key, plain(item)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('parseStrictJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), null, indent);
        expect(plain(parse(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '.5',
      'e9',
      '01',
      'true',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parse(text)).toThrow(/^test.json: the text /);
          return;
        }
        // Shallow texts are refused only for this beyond what JSON.parse refuses.
        if (/"a":.*"a":/.test(text)) return;
        expect(plain(parse(text))).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a duplicate key, also in another spelling', () => {
    expect(() => parse('{"a": 1, "b": 2, "\\u0061": 3}')).toThrow('has the key "a" twice');
  });

  it('treats __proto__ like any other key', () => {
    expect([...(parse('{"__proto__": 1}') as Map<string, unknown>)]).toEqual([['__proto__', 1]]);
  });

  it('stops at its maximum depth, however deep the text is', () => {
    expect(plain(parse('[[1]]', 2))).toEqual([[1]]);
    expect(() => parse('[[[1]]]', 2)).toThrow('nested deeper than 2');
    expect(() => parse('{"a":'.repeat(1_000_000), 3)).toThrow('nested deeper than 3');
  });
});
