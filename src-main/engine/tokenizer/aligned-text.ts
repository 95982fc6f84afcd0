import type { Range } from './regex/pattern.ts';

/** A piece of the text and what takes its place. */
export interface Replacement {
  range: Range;
  text: string;
}

/**
 * A text on its way through the normalizers that remembers which part of the original each of its UTF-16 units stands for.
 */
export class AlignedText {
  private constructor(
    readonly text: string,
    /** Per unit: start of its part of the original; null while nothing has changed. */
    private readonly starts: Uint32Array | null,
    private readonly ends: Uint32Array | null,
  ) {}

  static of(original: string): AlignedText {
    return new AlignedText(original, null, null);
  }

  /** The part of the original that the non-empty range `[start, end)` stands for. */
  originalRange(start: number, end: number): [number, number] {
    if (!this.starts || !this.ends) return [start, end];
    return [this.starts[start]!, this.ends[end - 1]!];
  }

  /**
   * @param replacements left to right, none overlapping. Each unit of a replacement stands for the whole of what it
   *   replaces; what replaces an empty range stands for an empty range.
   */
  replace(replacements: readonly Replacement[]): AlignedText {
    if (replacements.length === 0) return this;
    const length = replacements.reduce(
      (sum, { range, text }) => sum + text.length - (range[1] - range[0]),
      this.text.length,
    );
    const starts = new Uint32Array(length);
    const ends = new Uint32Array(length);
    const parts: string[] = [];
    let from = 0;
    let to = 0;
    const keepUntil = (end: number) => {
      parts.push(this.text.slice(from, end));
      for (; from < end; from++, to++) {
        starts[to] = this.starts ? this.starts[from]! : from;
        ends[to] = this.ends ? this.ends[from]! : from + 1;
      }
    };
    for (const { range, text } of replacements) {
      keepUntil(range[0]);
      const [start, end] = this.replacedRange(range);
      starts.fill(start, to, to + text.length);
      ends.fill(end, to, to + text.length);
      to += text.length;
      from = range[1];
      parts.push(text);
    }
    keepUntil(this.text.length);
    return new AlignedText(parts.join(''), starts, ends);
  }

  private replacedRange([start, end]: Range): [number, number] {
    if (end > start) return this.originalRange(start, end);
    const at = start === 0 ? 0 : this.originalRange(start - 1, start)[1];
    return [at, at];
  }
}
