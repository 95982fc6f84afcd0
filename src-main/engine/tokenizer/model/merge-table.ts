/**
 * The merges of a byte-pair encoding by the pair of ids they join, in a hash table of typed arrays: 280,000 merges are
 * four arrays, not 280,000 objects.
 */
export class MergeTable {
  private readonly mask: number;
  private readonly lefts: Int32Array;
  private readonly rights: Int32Array;
  private readonly ranks: Int32Array;
  private readonly results: Int32Array;

  /** @param capacity merges that will be added at most */
  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * capacity)));
    this.mask = size - 1;
    this.lefts = new Int32Array(size).fill(-1);
    this.rights = new Int32Array(size);
    this.ranks = new Int32Array(size);
    this.results = new Int32Array(size);
  }

  /** A pair that is there already keeps its better (earlier) rank. */
  add(left: number, right: number, rank: number, result: number): void {
    const slot = this.slot(left, right);
    if (this.lefts[slot] !== -1) return;
    this.lefts[slot] = left;
    this.rights[slot] = right;
    this.ranks[slot] = rank;
    this.results[slot] = result;
  }

  /** Where the pair is, for `rank` and `result`; -1 when the two do not merge. */
  find(left: number, right: number): number {
    const slot = this.slot(left, right);
    return this.lefts[slot] === -1 ? -1 : slot;
  }

  rank(slot: number): number {
    return this.ranks[slot];
  }

  /** Id of the merged token. */
  result(slot: number): number {
    return this.results[slot];
  }

  private slot(left: number, right: number): number {
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.mask;
    while (this.lefts[slot] !== -1 && (this.lefts[slot] !== left || this.rights[slot] !== right)) {
      slot = (slot + 1) & this.mask;
    }
    return slot;
  }
}
