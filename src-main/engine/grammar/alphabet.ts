import type { CodePointSet } from './code-point-set.ts';

/**
 * Groups a grammar's characters into classes: characters of a class belong to the same sets, so that results are computed
 * once per class.
 */
export class Alphabet {
  /** `[classes]`: a character of each class. */
  readonly representatives: readonly number[];
  /** Characters at which another class begins, ascending; the first is 0. */
  private readonly starts: Int32Array;
  /** `[starts.length]`: the class of the characters from each start on. */
  private readonly classes: Int32Array;
  /** `[128]` */
  private readonly ofAscii: Int32Array;

  constructor(sets: readonly CodePointSet[]) {
    const borders = new Map<number, number[]>([[0, []]]);
    const border = (at: number, set: number): void => {
      const sets = borders.get(at);
      if (sets === undefined) borders.set(at, [set]);
      else sets.push(set);
    };
    sets.forEach((set, index) => {
      for (const [first, last] of set.ranges()) {
        border(first, index);
        border(last + 1, index);
      }
    });
    const starts = Int32Array.from(borders.keys()).sort();
    const representatives: number[] = [];
    const classOf = new Map<string, number>();
    const holding = new Set<number>();
    this.starts = starts;
    this.classes = starts.map((start) => {
      // The set begins or ends at each of its borders.
      for (const set of borders.get(start)!) {
        if (!holding.delete(set)) holding.add(set);
      }
      const key = [...holding].sort((a, b) => a - b).join();
      const known = classOf.get(key);
      if (known !== undefined) return known;
      const fresh = representatives.push(start) - 1;
      classOf.set(key, fresh);
      return fresh;
    });
    this.representatives = representatives;
    this.ofAscii = Int32Array.from({ length: 128 }, (_, codePoint) => this.find(codePoint));
  }

  classOf(codePoint: number): number {
    return codePoint < 128 ? this.ofAscii[codePoint] : this.find(codePoint);
  }

  private find(codePoint: number): number {
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle] <= codePoint) low = middle;
      else high = middle;
    }
    return this.classes[low];
  }
}
