/** The highest code point of Unicode. */
export const MAX_CODE_POINT = 0x10ffff;

/** A set of Unicode code points. Immutable. */
export class CodePointSet {
  static readonly ANY = CodePointSet.of([[0, MAX_CODE_POINT]]);

  /** @param bounds first and last code point of each range, ascending, not adjacent */
  private constructor(private readonly bounds: readonly number[]) {}

  /** @param ranges `[first, last]` in any order; they may overlap */
  static of(ranges: readonly (readonly [first: number, last: number])[]): CodePointSet {
    const bounds: number[] = [];
    for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
      const previous = bounds.length - 1;
      if (previous > 0 && first <= bounds[previous] + 1) bounds[previous] = Math.max(bounds[previous], last);
      else bounds.push(first, last);
    }
    return new CodePointSet(bounds);
  }

  /** The code points of a text. */
  static from(text: string): CodePointSet {
    return CodePointSet.of(Array.from(text, (character) => [character.codePointAt(0)!, character.codePointAt(0)!]));
  }

  get isEmpty(): boolean {
    return this.bounds.length === 0;
  }

  /** Number of code points. */
  get size(): number {
    let size = 0;
    for (let i = 0; i < this.bounds.length; i += 2) size += this.bounds[i + 1] - this.bounds[i] + 1;
    return size;
  }

  /** `[first, last]`, ascending. */
  *ranges(): Generator<[first: number, last: number]> {
    for (let i = 0; i < this.bounds.length; i += 2) yield [this.bounds[i], this.bounds[i + 1]];
  }

  has(codePoint: number): boolean {
    return this.meets(codePoint, codePoint);
  }

  /** Whether any code point from `first` to `last` is in the set. */
  meets(first: number, last: number): boolean {
    // The first range that does not end before `first`.
    let low = 0;
    let high = this.bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.bounds[2 * middle + 1] < first) low = middle + 1;
      else high = middle;
    }
    return 2 * low < this.bounds.length && this.bounds[2 * low] <= last;
  }

  complement(): CodePointSet {
    const bounds: number[] = [];
    let next = 0;
    for (const [first, last] of this.ranges()) {
      if (first > next) bounds.push(next, first - 1);
      next = last + 1;
    }
    if (next <= MAX_CODE_POINT) bounds.push(next, MAX_CODE_POINT);
    return new CodePointSet(bounds);
  }

  union(other: CodePointSet): CodePointSet {
    return CodePointSet.of([...this.ranges(), ...other.ranges()]);
  }

  intersection(other: CodePointSet): CodePointSet {
    return this.complement().union(other.complement()).complement();
  }

  minus(other: CodePointSet): CodePointSet {
    return this.intersection(other.complement());
  }
}
