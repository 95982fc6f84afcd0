import type { Range } from './regex/pattern.ts';

/** A range of the text and its replacement. */
export interface Replacement {
  range: Range;
  text: string;
}

/** How a text was derived. */
type Origin =
  /** The original from this offset on. */
  | { kind: 'original'; offset: number }
  /** The part of `of` from `from` on. */
  | { kind: 'slice'; of: AlignedText; from: number }
  | { kind: 'replaced'; of: AlignedText; replacements: readonly Replacement[]; starts: Int32Array | null };

/**
 * A text during normalisation that maps each of its UTF-16 units to a range of the original. Ranges are computed on
 * demand.
 */
export class AlignedText {
  private constructor(
    readonly text: string,
    private readonly origin: Origin,
  ) {}

  /** @param offset of the text in the whole that ranges refer to */
  static of(original: string, offset = 0): AlignedText {
    return new AlignedText(original, { kind: 'original', offset });
  }

  slice(start: number, end: number): AlignedText {
    if (start === 0 && end === this.text.length) return this;
    return new AlignedText(this.text.slice(start, end), { kind: 'slice', of: this, from: start });
  }

  /**
   * @param replacements left to right, none overlapping. Each unit of a replacement maps to the whole replaced range,
   *   which may be empty.
   */
  replace(replacements: readonly Replacement[]): AlignedText {
    if (replacements.length === 0) return this;
    const parts: string[] = [];
    let from = 0;
    for (const { range, text } of replacements) {
      parts.push(this.text.slice(from, range[0]), text);
      from = range[1];
    }
    parts.push(this.text.slice(from));
    return new AlignedText(parts.join(''), { kind: 'replaced', of: this, replacements, starts: null });
  }

  /** The part of the original for the non-empty range `[start, end)`. */
  originalRange(start: number, end: number): [number, number] {
    return [this.startOf(start), this.endOf(end - 1)];
  }

  /** Start of the part of the original for a unit. */
  private startOf(unit: number): number {
    switch (this.origin.kind) {
      case 'original':
        return this.origin.offset + unit;
      case 'slice':
        return this.origin.of.startOf(this.origin.from + unit);
      case 'replaced': {
        const [start, end] = this.replacedRange(unit);
        return end > start ? this.origin.of.startOf(start) : this.origin.of.boundaryAt(start);
      }
    }
  }

  private endOf(unit: number): number {
    switch (this.origin.kind) {
      case 'original':
        return this.origin.offset + unit + 1;
      case 'slice':
        return this.origin.of.endOf(this.origin.from + unit);
      case 'replaced': {
        const [start, end] = this.replacedRange(unit);
        return end > start ? this.origin.of.endOf(end - 1) : this.origin.of.boundaryAt(start);
      }
    }
  }

  private boundaryAt(unit: number): number {
    if (unit > 0) return this.endOf(unit - 1);
    return this.text === '' ? 0 : this.startOf(0);
  }

  /** The range of the text before the replacements for a unit of this one. */
  private replacedRange(unit: number): Range {
    if (this.origin.kind !== 'replaced') return [unit, unit + 1];
    const { replacements } = this.origin;
    const starts = (this.origin.starts ??= newStarts(replacements));
    const last = lastAtOrBefore(starts, unit);
    if (last === -1) return [unit, unit + 1];
    const { range, text } = replacements[last];
    const beyond = unit - starts[last] - text.length;
    return beyond < 0 ? range : [range[1] + beyond, range[1] + beyond + 1];
  }
}

/** Start of each replacement in the resulting text. */
function newStarts(replacements: readonly Replacement[]): Int32Array {
  let shift = 0;
  return Int32Array.from(replacements, ({ range, text }) => {
    const start = range[0] + shift;
    shift += text.length - (range[1] - range[0]);
    return start;
  });
}

/** Index of the last of the ascending `starts` that is not above `value`; -1 when all are. */
function lastAtOrBefore(starts: Int32Array, value: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
