/** Context shift: when the window is full, a reply continues without the oldest tokens. */
import type { DroppedTokens } from '../api/types.ts';
import type { Model } from '../models/model.ts';
import type { Prompt } from './prompt.ts';

/** The part of a sequence that the model sees. */
export interface Shifted {
  readonly ids: readonly number[];
  /** Number of dropped tokens. */
  readonly dropped: number;
}

/**
 * The part of a sequence that the model sees: all of it while it fits, else the first `kept` tokens and the newest. Half
 * of the others are dropped at a time, so that the remainder is rarely prefilled again. The result depends on the length
 * alone, so that backtracking in a reply changes nothing.
 *
 * @param kept leading tokens that always stay, at most half of the window
 */
export function shift(sequence: readonly number[], contextSize: number, kept: number): Shifted {
  const { start, end } = shiftedOut(sequence.length, contextSize, kept);
  const dropped = end - start;
  if (dropped === 0) return { ids: sequence, dropped };
  return { ids: [...sequence.slice(0, start), ...sequence.slice(end)], dropped };
}

/** What the model sees of prompt and reply. */
export function seen(
  { prompt, model }: { readonly prompt: Prompt; readonly model: Model },
  sequence: readonly number[],
): Shifted {
  if (prompt.keptByShift === null) return { ids: sequence, dropped: 0 };
  return shift(sequence, model.config.contextSize, prompt.keptByShift);
}

/** Range of the tokens that are dropped from a sequence of that length: `[start, end)`. */
function shiftedOut(length: number, contextSize: number, kept: number): { start: number; end: number } {
  if (length <= contextSize) return { start: 0, end: 0 };
  const start = Math.min(kept, contextSize >> 1);
  const step = Math.max(1, (contextSize - start) >> 1);
  return { start, end: start + step * Math.ceil((length - contextSize) / step) };
}

/**
 * Counts the tokens that a shift drops, by message.
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

/** Reports the tokens dropped by each shift once. */
export class ShiftReport {
  private total = 0;

  constructor(
    private readonly prompt: Prompt,
    private readonly contextSize: number,
  ) {}

  /** @param length current tokens of prompt and reply */
  news(length: number): { dropped?: DroppedTokens } {
    const { prompt, contextSize } = this;
    // Nothing is dropped before the window is full for the first time.
    if (prompt.keptByShift === null || (length <= contextSize && this.total === 0)) return {};
    const { start, end } = shiftedOut(length, contextSize, prompt.keptByShift);
    if (end - start === this.total) return {};
    this.total = end - start;
    return { dropped: droppedTokens(prompt, length, contextSize) };
  }
}
