const BITS = 2 ** 22;

/**
 * The pairs of characters between which some merge can join two symbols: the last of its left side and the first of its
 * right one. Between any other two characters a text can be cut before anything is merged, so that a text without words
 * need not be merged as one. A pair may be taken for another that has the same hash; that costs time, never a token.
 */
export class PossibleJoins {
  private readonly bits = new Uint32Array(BITS / 32);

  add(last: number, first: number): void {
    const bit = hash(last, first);
    this.bits[bit >>> 5] |= 1 << (bit & 31);
  }

  /** Whether something may be joined between two characters. */
  has(left: string, right: string): boolean {
    const bit = hash(left.codePointAt(0) ?? 0, right.codePointAt(0) ?? 0);
    return (this.bits[bit >>> 5] & (1 << (bit & 31))) !== 0;
  }
}

function hash(last: number, first: number): number {
  let value = Math.imul(last, 0x9e3779b1) ^ Math.imul(first, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 12)) & (BITS - 1);
}
