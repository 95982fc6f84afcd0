/** Loops with longer periods are only found by a window of their length. */
export const MAX_PERIOD = 256;

/** A text that goes round in circles. */
export interface Loop {
  /** Tokens after which it repeats; the smallest such number. */
  readonly period: number;
  /** Tokens at the end that are part of it, with its first round. */
  readonly tokens: number;
}

/**
 * The loop that a sequence ends with. A loop is found when the last `window` tokens equal the `window` before them. Other
 * periods count once that many tokens, and at least three rounds, repeat: a refrain that comes twice is no loop.
 *
 * @param window tokens; 0: loops are ignored @param start index from which on tokens count
 */
export function findLoop(ids: readonly number[], window: number, start = 0): Loop | null {
  if (window <= 0) return null;
  const length = ids.length - start;
  for (let period = 1; period <= Math.min(MAX_PERIOD, length / 2); period++) {
    const needed = period === window ? window : Math.max(2 * window - period, 2 * period);
    if (endsIn(ids, period, needed, start)) return loopOf(ids, period, start);
  }
  return window > MAX_PERIOD && endsIn(ids, window, window, start) ? loopOf(ids, window, start) : null;
}

/** Whether the last `count` tokens equal those `period` before them, all from `start` on. */
function endsIn(ids: readonly number[], period: number, count: number, start: number): boolean {
  if (ids.length - start < period + count) return false;
  for (let i = ids.length - 1; i >= ids.length - count; i--) if (ids[i] !== ids[i - period]) return false;
  return true;
}

function loopOf(ids: readonly number[], period: number, start: number): Loop {
  let first = ids.length - period;
  while (first > start && ids[first - 1] === ids[first - 1 + period]) first--;
  return { period, tokens: ids.length - first };
}
