import { characterLength, codePointAt } from '../utf8.ts';

const BITS = 2 ** 22;

/**
 * The pairs of characters between which some merge can join two symbols: the last of its left side and the first of its
 * right one. Between any other characters a text can be split before merging, so that a text without words is not merged
 * as one. Hash collisions cost time, but never change tokens.
 */
export class PossibleJoins {
  private readonly bits = new Uint32Array(BITS / 32);

  /** Two code points. */
  add(last: number, first: number): void {
    const bit = hash(last, first);
    this.bits[bit >>> 5] |= 1 << (bit & 31);
  }

  /** Adds all adjacent characters of a piece. */
  addPiece(utf8: Uint8Array): void {
    let last = -1;
    for (let at = 0; at < utf8.length;) {
      const codePoint = codePointAt(utf8, at);
      if (last !== -1) this.add(last, codePoint);
      last = codePoint;
      at += characterLength(utf8[at]);
    }
  }

  /** Whether something may be joined between two code points. */
  has(last: number, first: number): boolean {
    const bit = hash(last, first);
    return (this.bits[bit >>> 5] & (1 << (bit & 31))) !== 0;
  }

  /** Calls `found` for each part of a text, in order, between which nothing can be joined. */
  eachStretch(text: string, found: (start: number, end: number) => void): void {
    let start = 0;
    let last = -1;
    for (let at = 0; at < text.length;) {
      const codePoint = text.codePointAt(at)!;
      if (last !== -1 && !this.has(last, codePoint)) {
        found(start, at);
        start = at;
      }
      last = codePoint;
      at += codePoint > 0xffff ? 2 : 1;
    }
    if (text.length > start) found(start, text.length);
  }
}

function hash(last: number, first: number): number {
  let value = Math.imul(last, 0x9e3779b1) ^ Math.imul(first, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 12)) & (BITS - 1);
}
