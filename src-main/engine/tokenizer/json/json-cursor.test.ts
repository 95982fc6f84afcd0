import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonCursor, UnexpectedJson } from './json-cursor.ts';
import { TextBlock } from './text-block.ts';

const cursor = (json: string) => new JsonCursor(new TextEncoder().encode(json));

function textOf(json: string): string {
  const block = new TextBlock(1);
  block.close(cursor(json).text(block));
  return block.texts()[0]!;
}

/** The input after the value at the start of `json`. */
function behind(json: string): string {
  const reader = cursor(json);
  reader.skip();
  return new TextDecoder().decode(reader.bytes.subarray(reader.at));
}

describe('a text', () => {
  it('equals the result of JSON.parse, with every unit escaped or none', () => {
    const escaped = (text: string) => Array.from({ length: text.length }, (_, i) => unitEscape(text.charCodeAt(i)));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, escapes) => {
        expect(textOf(escapes ? ` "${escaped(text).join('')}"` : JSON.stringify(text))).toBe(text);
      }),
    );
  });

  it('may have short escapes', () => {
    const json = String.raw`"\"\\\/\b\f\n\r\t\u00e9\u00C9\ud83d\uDE00"`;
    expect(textOf(json)).toBe('"\\/\b\f\n\r\téÉ😀');
    expect(textOf(json)).toBe(JSON.parse(json));
  });

  it.each([
    ['a byte order mark', '"\ufeffa"', '\ufeffa'],
    ['a zero', '"\\u0000"', '\0'],
    ['nothing', '""', ''],
  ])('may begin with %s', (_, json, text) => {
    expect(textOf(json)).toBe(text);
  });

  it.each([
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\u 123"',
    '"\\ud83d"',
    '"\\ud83dx"',
    '"\\ud83d\\n"',
    '"\\ud83d\\u0041"',
    '"\\ude00\\ud83d"',
    '"a\nb"',
    '"a',
    '"a\\',
    '"a\\"',
    "'a'",
    'a',
    '',
  ])('is not %s', (json) => {
    expect(() => textOf(json)).toThrow(UnexpectedJson);
  });

  it('neither begins nor ends inside a character', () => {
    const half = (...bytes: number[]) => {
      const block = new TextBlock(1);
      block.close(new JsonCursor(Uint8Array.of(0x22, ...bytes, 0x22)).text(block));
      return block.isUtf8();
    };
    expect(half(0xc3, 0xa9)).toBe(true);
    expect(half(0xc3)).toBe(false);
    expect(() => half(0xa9)).toThrow(UnexpectedJson);
  });
});

describe('a count', () => {
  it.each([
    ['0', 0],
    [' \t\r\n7', 7],
    ['262143,', 262143],
    ['999999999', 999_999_999],
  ])('%j is %d', (json, count) => {
    expect(cursor(json).count()).toBe(count);
  });

  it.each(['', '-1', '01', '00', '1234567890', '"1"', 'null'])('%j is not one', (json) => {
    expect(() => cursor(json).count()).toThrow(UnexpectedJson);
  });
});

describe('skip', () => {
  it('ends at the end of any value', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.constantFrom(undefined, 1, '\t'),
        fc.constantFrom(',1', '}', ' ]'),
        (json, indent, next) => {
          expect(behind(JSON.stringify(JSON.parse(json), null, indent) + next)).toBe(next);
        },
      ),
    );
  });

  it('does not mistake a bracket in a text for one of the file', () => {
    expect(behind(String.raw`{"}": "]\"}", "a": [{}, "\\"]}, 1`)).toBe(', 1');
  });

  it('does not end in a truncated file, however deep', () => {
    for (const json of ['', '{', '[1,', '{"a', '"\\', '['.repeat(1_000_000)]) {
      expect(() => behind(json)).toThrow(UnexpectedJson);
    }
  });
});

function unitEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
