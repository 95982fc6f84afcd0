/** Replies that go on when the context window is full: what is oldest is left out. */
import type { DroppedTokens } from '../types.ts';
import type { Prompt } from './prompt.ts';

/** What the model reads of a sequence. */
export interface Shifted {
  readonly ids: readonly number[];
  /** Tokens that were left out. */
  readonly dropped: number;
  /** Tokens before those, where any were left out. */
  readonly kept: number;
}

/**
 * The part of a sequence that the model reads: all of it while it fits, else the first `kept` tokens and the newest.
 * Half of the others are left out at a time, so that what remains is seldom read again. It depends on the length alone,
 * so that going back in a reply changes nothing.
 *
 * @param kept tokens of the beginning that always stay, at most half of the window
 */
export function shift(sequence: readonly number[], contextSize: number, kept: number): Shifted {
  if (sequence.length <= contextSize) return { ids: sequence, dropped: 0, kept: 0 };
  const stays = Math.min(kept, contextSize >> 1);
  const step = Math.max(1, (contextSize - stays) >> 1);
  const dropped = step * Math.ceil((sequence.length - contextSize) / step);
  return { ids: [...sequence.slice(0, stays), ...sequence.slice(stays + dropped)], dropped, kept: stays };
}

/** Whose tokens a shift has left out. */
export function droppedTokens(
  { ids, segments, owners }: Pick<Prompt, 'ids' | 'segments' | 'owners'>,
  { dropped, kept }: Shifted,
): DroppedTokens {
  const end = kept + dropped;
  const lost = new Map<number, number>();
  for (const owner of owners.slice(kept, end)) lost.set(owner, (lost.get(owner) ?? 0) + 1);
  return {
    total: dropped,
    segments: segments.map(({ message }) => lost.get(message) ?? 0),
    reply: Math.max(0, end - Math.max(kept, ids.length)),
  };
}
