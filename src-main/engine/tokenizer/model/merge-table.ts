import type { MergeRank } from '../token-merges.ts';
import type { Vocabulary } from '../vocabulary.ts';

/** Per slot: left id, right id, rank, id of the result. Adjacent in memory, because cache misses dominate a look-up. */
const FIELDS = 4;
const RANK = 2;
const RESULT = 3;
const EMPTY = -1;

/**
 * The merges of a byte-pair encoding, by the pair of ids they join, in a hash table in one typed array: 280,000 merges
 * are not 280,000 objects.
 */
export class MergeTable {
  private readonly mask: number;
  /** `[slots, FIELDS]` */
  private readonly table: Int32Array;

  /** @param capacity maximum number of merges */
  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * capacity)));
    this.mask = size - 1;
    this.table = new Int32Array(size * FIELDS).fill(EMPTY);
  }

  /** A duplicate pair keeps its better (lower) rank. */
  add(left: number, right: number, rank: number, result: number): void {
    const slot = this.slot(left, right);
    if (this.table[slot] !== EMPTY) return;
    this.table[slot] = left;
    this.table[slot + 1] = right;
    this.table[slot + RANK] = rank;
    this.table[slot + RESULT] = result;
  }

  /** Slot of the pair, for `rank` and `result`; -1 when the two do not merge. */
  find(left: number, right: number): number {
    const slot = this.slot(left, right);
    return this.table[slot] === EMPTY ? -1 : slot;
  }

  rank(slot: number): number {
    return this.table[slot + RANK];
  }

  /** Id of the merged token. */
  result(slot: number): number {
    return this.table[slot + RESULT];
  }

  private slot(left: number, right: number): number {
    const { table, mask } = this;
    let place = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    place = (place ^ (place >>> 15)) & mask;
    while (table[FIELDS * place] !== EMPTY && (table[FIELDS * place] !== left || table[FIELDS * place + 1] !== right)) {
      place = (place + 1) & mask;
    }
    return FIELDS * place;
  }
}

/** Ranks of a table's merges by the pieces of a vocabulary. */
export function rankIn(vocabulary: Vocabulary, merges: MergeTable): MergeRank {
  return (left, right) => {
    const [leftId, rightId] = [vocabulary.id(left), vocabulary.id(right)];
    if (leftId === undefined || rightId === undefined) return null;
    const slot = merges.find(leftId, rightId);
    return slot === -1 ? null : merges.rank(slot);
  };
}
