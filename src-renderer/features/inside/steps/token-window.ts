import { visibleText } from '../../../lib/visible.ts';
import { withUnit } from '../../../ui/format.ts';
import type { InsideToken } from './step-props.ts';

/** Tokens of a longer run that are shown at once. */
export const SHOWN_TOKENS = 48;

/** Tokens that are shown as tiles at once. */
export const SHOWN_TILES = 480;

export interface TokenRange {
  /** `[from, to)`. */
  from: number;
  to: number;
}

/** The part of a run around a token. Moving within a part does not change it, so nothing is asked again. */
export function windowAround(token: number, count: number, size = SHOWN_TOKENS): TokenRange {
  if (count <= size) return { from: 0, to: count };
  const step = size / 2;
  const from = Math.max(0, Math.min(count - size, Math.floor(token / step) * step - step / 2));
  return { from, to: from + size };
}

/** For rows and columns of pictures. */
export function labelsOf(tokens: readonly InsideToken[], { from, to }: TokenRange): string[] {
  return tokens.slice(from, to).map(({ piece }) => visibleText(piece));
}

/** Numbers of the tokens, for columns of tables. */
export function numbersOf({ from, to }: TokenRange): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

/** `“·dog” (token 2)`, for titles and texts without markup. */
export function nameOf(tokens: readonly InsideToken[], index: number): string {
  return `“${visibleText(tokens[index]?.piece ?? '')}” (${withUnit('token', String(index))})`;
}
