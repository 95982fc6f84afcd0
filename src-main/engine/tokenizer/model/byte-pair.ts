import type { MergeTable } from './merge-table.ts';

/** Up to this length, checking every pair is faster than a heap. Words are almost always shorter. */
const SHORT = 24;

/**
 * Byte-pair encoding (Sennrich et al., 2016): joins the adjacent pair of lowest rank, leftmost first, until no pair
 * merges. O(n log n), so that a megabyte without a space is not a problem.
 *
 * @param ids `[n]` symbols; overwritten with the tokens
 * @param sizes `[n]` length of the word's part for each symbol; overwritten likewise
 * @returns the number of tokens
 */
export function mergePairs(ids: Int32Array, sizes: Int32Array, count: number, merges: MergeTable): number {
  return count <= SHORT ? mergeShort(ids, sizes, count, merges) : mergeLong(ids, sizes, count, merges);
}

function mergeShort(ids: Int32Array, sizes: Int32Array, count: number, merges: MergeTable): number {
  for (;;) {
    let best = -1;
    let bestSlot = -1;
    for (let i = 0; i + 1 < count; i++) {
      const slot = merges.find(ids[i], ids[i + 1]);
      if (slot !== -1 && (best === -1 || merges.rank(slot) < merges.rank(bestSlot))) {
        best = i;
        bestSlot = slot;
      }
    }
    if (best === -1) return count;
    ids[best] = merges.result(bestSlot);
    sizes[best] += sizes[best + 1];
    ids.copyWithin(best + 1, best + 2, count);
    sizes.copyWithin(best + 1, best + 2, count);
    count--;
  }
}

function mergeLong(ids: Int32Array, sizes: Int32Array, count: number, merges: MergeTable): number {
  const next = Int32Array.from({ length: count }, (_, i) => i + 1);
  const previous = Int32Array.from({ length: count }, (_, i) => i - 1);
  const heap = new PairHeap();
  const offer = (left: number) => {
    const right = left < 0 ? count : next[left];
    const slot = right < count ? merges.find(ids[left], ids[right]) : -1;
    if (slot !== -1) heap.push(merges.rank(slot), left);
  };
  for (let i = 0; i + 1 < count; i++) offer(i);
  while (heap.size > 0) {
    const rank = heap.rank;
    const left = heap.pop();
    const right = next[left];
    // An entry is stale once a neighbour has merged; its rank then differs.
    const slot = sizes[left] > 0 && right < count ? merges.find(ids[left], ids[right]) : -1;
    if (slot === -1 || merges.rank(slot) !== rank) continue;
    ids[left] = merges.result(slot);
    sizes[left] += sizes[right];
    sizes[right] = 0;
    next[left] = next[right];
    if (next[left] < count) previous[next[left]] = left;
    offer(previous[left]);
    offer(left);
  }
  let kept = 0;
  for (let i = 0; i < count; i = next[i], kept++) {
    ids[kept] = ids[i];
    sizes[kept] = sizes[i];
  }
  return kept;
}

/** A binary heap of (rank, position), lowest first, in one array of doubles: rank * 2^27 + position is exact. */
export class PairHeap {
  private readonly keys: number[] = [];

  get size(): number {
    return this.keys.length;
  }
  /** Rank of the first entry. */
  get rank(): number {
    return Math.floor(this.keys[0] / 2 ** 27);
  }

  push(rank: number, position: number): void {
    const { keys } = this;
    const key = rank * 2 ** 27 + position;
    let at = keys.push(key) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      at = parent;
    }
    keys[at] = key;
  }

  /** Removes the first entry and returns its position. */
  pop(): number {
    const { keys } = this;
    const first = keys[0];
    const last = keys.pop() as number;
    if (keys.length > 0) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= keys.length) break;
        if (child + 1 < keys.length && keys[child + 1] < keys[child]) child++;
        if (keys[child] >= last) break;
        keys[at] = keys[child];
        at = child;
      }
      keys[at] = last;
    }
    return first % 2 ** 27;
  }
}
