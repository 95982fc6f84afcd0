import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonPart } from './json-part.ts';
import { utf16Length, writeUtf8 } from './utf8.ts';
import { Vocabulary } from './vocabulary.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string({ maxLength: 3 }));

describe('Vocabulary', () => {
  it('finds pieces by id and ids by piece, whatever the ids are', () => {
    const pairs = fc.uniqueArray(fc.tuple(anyText, fc.nat(5000)), { selector: ([piece]) => piece, maxLength: 400 });
    fc.assert(
      fc.property(pairs, fc.array(anyText), (all, others) => {
        const taken = new Set<number>();
        const some = all.filter(([, id]) => !taken.has(id) && taken.add(id));
        const vocabulary = new Vocabulary();
        for (const [piece, id] of some) expect(vocabulary.put(piece, id)).toBeNull();
        const ids = new Map(some);
        for (const [piece, id] of some) {
          expect(vocabulary.id(piece)).toBe(id);
          expect(vocabulary.piece(id)).toBe(piece);
        }
        for (const other of others) expect(vocabulary.id(other)).toBe(ids.get(other));
        expect(vocabulary.size).toBe(Math.max(-1, ...ids.values()) + 1);
        expect(vocabulary.longestPiece).toBe(Math.max(0, ...some.map(([piece]) => piece.length)));
      }),
    );
  });

  it('accepts thousands of pieces in one block', () => {
    const pieces = Array.from({ length: 20_000 }, (_, i) => `piece ${i}▁${String.fromCodePoint(0x1f600 + (i % 80))}`);
    const encoded = pieces.map((piece) => new TextEncoder().encode(piece));
    const offsets = Uint32Array.from({ length: pieces.length + 1 }, () => 0);
    encoded.forEach((bytes, i) => (offsets[i + 1] = offsets[i] + bytes.length));
    const blob = new Uint8Array(offsets[pieces.length]);
    encoded.forEach((bytes, i) => blob.set(bytes, offsets[i]));
    const vocabulary = Vocabulary.fromUtf8(blob, offsets);
    expect(vocabulary.size).toBe(20_000);
    expect(pieces.map((piece) => vocabulary.id(piece))).toEqual(pieces.map((_, id) => id));
    expect(pieces.map((_, id) => vocabulary.piece(id))).toEqual(pieces);
    expect(vocabulary.bytes(20_000)).toBeUndefined();
    expect(vocabulary.id('piece')).toBeUndefined();
  });

  it('finds the last of equal pieces by its text, and every one by its id', () => {
    const vocabulary = Vocabulary.fromPieces(['a', 'b', 'a', '']);
    expect(vocabulary.id('a')).toBe(2);
    expect([0, 1, 2, 3, 4].map((id) => vocabulary.piece(id))).toEqual(['a', 'b', 'a', '', undefined]);
    expect(vocabulary.id('')).toBe(3);
  });

  it('finds the parts and the result of a merge, whatever was found before', () => {
    const vocabulary = new Vocabulary();
    ['a', 'b', 'é', 'ab', 'éa'].forEach((piece, i) => expect(vocabulary.put(piece, 3 * i)).toBeNull());
    for (const before of [-1, 0, 5, 9, 10, 12, 13, 2 ** 31 - 1]) {
      const found = (left: string, right: string) => {
        const ids = Int32Array.of(0, 0, before);
        vocabulary.idsOfMerge(left, right, ids);
        return [...ids];
      };
      expect(found('a', 'b')).toEqual([0, 3, 9]);
      expect(found('é', 'a')).toEqual([6, 0, 12]);
      expect(found('b', 'é')).toEqual([3, 6, -1]);
      expect(found('', '')).toEqual([-1, -1, -1]);
    }
  });

  it('refuses two ids for a piece and two pieces for an id', () => {
    const part = (pairs: object) => new JsonPart(pairs, 'tokenizer.json');
    const vocabulary = new Vocabulary();
    vocabulary.addAll(part({ a: 0, b: 5 }));
    vocabulary.addAll(part({ a: 0 }));
    expect(() => vocabulary.addAll(part({ a: 1 }))).toThrow('"a" the id 1, but it already has the id 0');
    expect(() => vocabulary.addAll(part({ c: 5 }))).toThrow('the id 5 to "c" and to "b"');
    expect(vocabulary.piece(3)).toBeUndefined();
    expect(vocabulary.size).toBe(6);
  });
});

describe('UTF-8', () => {
  it('matches TextEncoder', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 });
    const texts = fc.oneof(
      anyText,
      units.map((codes) => String.fromCharCode(...codes)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const into = new Uint8Array(3 * text.length);
        const length = writeUtf8(text, into);
        expect(into.subarray(0, length)).toEqual(new TextEncoder().encode(text));
        expect(utf16Length(into, 0, length)).toBe(text.length);
      }),
    );
  });
});
