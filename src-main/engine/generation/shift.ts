/** Replies that go on when the context window is full: what is oldest is left out. */
import type { DroppedTokens } from '../api/types.ts';
import type { Prompt } from './prompt.ts';

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
  const { start, end } = shiftedOut(sequence.length, contextSize, kept);
  const dropped = end - start;
  if (dropped === 0) return { ids: sequence, dropped };
  return { ids: [...sequence.slice(0, start), ...sequence.slice(end)], dropped };
}

/** Which tokens of a sequence of that length are left out: `[start, end)`. */
function shiftedOut(length: number, contextSize: number, kept: number): { start: number; end: number } {
  if (length <= contextSize) return { start: 0, end: 0 };
  const start = Math.min(kept, contextSize >> 1);
  const step = Math.max(1, (contextSize - start) >> 1);
  return { start, end: start + step * Math.ceil((length - contextSize) / step) };
}

/**
 * Whose tokens a shift leaves out.
 * @param length tokens of prompt and reply
 */
export function droppedTokens(
  { ids, segments, owners, keptByShift }: Pick<Prompt, 'ids' | 'segments' | 'owners' | 'keptByShift'>,
  length: number,
  contextSize: number,
): DroppedTokens {
  const { start, end } = shiftedOut(length, contextSize, keptByShift ?? length);
  const lost = new Map<number, number>();
  for (const owner of owners.slice(start, end)) lost.set(owner, (lost.get(owner) ?? 0) + 1);
  return {
    total: end - start,
    segments: segments.map(({ message }) => lost.get(message) ?? 0),
    reply: Math.max(0, end - Math.max(start, ids.length)),
  };
}

/** Tells once of what the latest shift has left out. */
export class ShiftReport {
  private total = 0;

  constructor(
    private readonly prompt: Prompt,
    private readonly contextSize: number,
  ) {}

  /** @param length tokens of prompt and reply now */
  news(length: number): { dropped?: DroppedTokens } {
    const { prompt, contextSize } = this;
    // Before a window is full for the first time there is nothing to count.
    if (prompt.keptByShift === null || (length <= contextSize && this.total === 0)) return {};
    const { start, end } = shiftedOut(length, contextSize, prompt.keptByShift);
    if (end - start === this.total) return {};
    this.total = end - start;
    return { dropped: droppedTokens(prompt, length, contextSize) };
  }
}
