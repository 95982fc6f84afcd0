export const LAST_CODE_POINT = 0x10ffff;

/** Inclusive range of code points. */
export type CodePointRange = readonly [first: number, last: number];

/** A set of code points: ascending ranges that neither overlap nor touch. */
export class CharSet {
  private constructor(readonly ranges: readonly CodePointRange[]) {}

  static of(ranges: readonly CodePointRange[]): CharSet {
    const merged: [number, number][] = [];
    for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
      const previous = merged.at(-1);
      if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
      else merged.push([first, last]);
    }
    return new CharSet(merged);
  }

  static single(codePoint: number): CharSet {
    return new CharSet([[codePoint, codePoint]]);
  }

  static union(sets: readonly CharSet[]): CharSet {
    return CharSet.of(sets.flatMap((set) => set.ranges));
  }

  complement(): CharSet {
    const ranges: [number, number][] = [];
    let next = 0;
    for (const [first, last] of this.ranges) {
      if (first > next) ranges.push([next, first - 1]);
      next = last + 1;
    }
    if (next <= LAST_CODE_POINT) ranges.push([next, LAST_CODE_POINT]);
    return new CharSet(ranges);
  }

  intersection(other: CharSet): CharSet {
    return CharSet.union([this.complement(), other.complement()]).complement();
  }

  intersects(other: CharSet): boolean {
    let i = 0;
    let j = 0;
    while (i < this.ranges.length && j < other.ranges.length) {
      const [firstA, lastA] = this.ranges[i]!;
      const [firstB, lastB] = other.ranges[j]!;
      if (lastA < firstB) i++;
      else if (lastB < firstA) j++;
      else return true;
    }
    return false;
  }
}
