import type { DrawReport } from '../../../src-main/engine/api/types.ts';

/** A part of the line of a draw. */
export interface LineSegment {
  key: string;
  from: number;
  to: number;
  /** Null for candidates that are not listed. */
  id: number | null;
  piece: string;
  /** Wide enough for its text. */
  labelled: boolean;
}

/** Smaller differences are rounding errors. */
const NOTABLE = 1e-9;
/** Width of a character and of the padding, px. */
const CHARACTER = 7.5;
const PADDING = 14;

/**
 * The line from 0 to 1 without gaps.
 * @param width of the line, px
 */
export function lineSegments(line: DrawReport['line'], width: number): LineSegment[] {
  const segments: LineSegment[] = [];
  let at = 0;
  const rest = (to: number) => {
    if (to - at > NOTABLE) segments.push({ key: `rest ${at}`, from: at, to, id: null, piece: '', labelled: false });
  };
  for (const { id, piece, from, to } of line) {
    rest(from);
    const needed = PADDING + CHARACTER * Math.max(4, [...piece].length);
    segments.push({ key: String(id), from, to, id, piece, labelled: (to - from) * width >= needed });
    at = to;
  }
  rest(1);
  return segments;
}
