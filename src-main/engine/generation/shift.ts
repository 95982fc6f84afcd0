/** Replies that go on when the context window is full: what is oldest is left out. */

/** What the model reads of a sequence. */
export interface Shifted {
  readonly ids: readonly number[];
  /** Tokens that were left out. */
  readonly dropped: number;
}

/**
 * The part of a sequence that the model reads: all of it while it fits, else the first `kept` tokens and the newest.
 * Half of the others are left out at a time, so that what remains is seldom read again. It depends on the length alone,
 * so that going back in a reply changes nothing.
 *
 * @param kept tokens of the beginning that always stay, at most half of the window
 */
export function shift(sequence: readonly number[], contextSize: number, kept: number): Shifted {
  if (sequence.length <= contextSize) return { ids: sequence, dropped: 0 };
  const stays = Math.min(kept, contextSize >> 1);
  const step = Math.max(1, (contextSize - stays) >> 1);
  const dropped = step * Math.ceil((sequence.length - contextSize) / step);
  return { ids: [...sequence.slice(0, stays), ...sequence.slice(stays + dropped)], dropped };
}
