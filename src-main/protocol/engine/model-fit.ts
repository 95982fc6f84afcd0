/** Whether a model fits this computer's memory: the same answer in the page and in the terminal. */
import type { MemoryAt } from '../../engine/api/types.ts';

/** Chosen unless a person chooses: K and V of more would take gigabytes with some models. */
const DEFAULT_CONTEXT = 4096;

/** @param trained tokens the model was trained for */
export function defaultContext(trained: number): number {
  return Math.min(trained, DEFAULT_CONTEXT);
}

/**
 * The memory for any context, from that for a few: each part grows in proportion to the tokens between them.
 * @param known smallest context first, at least one
 */
export function memoryAt(known: readonly MemoryAt[], contextSize: number): MemoryAt {
  const above = known.find((at) => at.contextSize >= contextSize) ?? known.at(-1);
  if (above === undefined) return { contextSize, weights: 0, kvCache: 0, scratch: 0, total: 0 };
  const index = known.indexOf(above);
  // Without a smaller one to compare with: K and V of no tokens take nothing, most of the working space is there anyway.
  const below = known[index - 1] ?? {
    contextSize: 0,
    weights: above.weights,
    kvCache: 0,
    scratch: scratchOfNone(known),
  };
  const share = (contextSize - below.contextSize) / Math.max(1, above.contextSize - below.contextSize);
  const between = (from: number, to: number) => Math.round(from + (to - from) * share);
  const weights = between(below.weights, above.weights);
  const kvCache = between(below.kvCache, above.kvCache);
  const scratch = between(below.scratch, above.scratch);
  return { contextSize, weights, kvCache, scratch, total: weights + kvCache + scratch };
}

/** Working space that no token of context adds to. @param known smallest context first, at least one */
function scratchOfNone([first, second]: readonly MemoryAt[]): number {
  if (first === undefined) return 0;
  if (second === undefined) return first.scratch;
  const perToken = (second.scratch - first.scratch) / Math.max(1, second.contextSize - first.contextSize);
  return Math.max(0, first.scratch - perToken * first.contextSize);
}

/** Whether a model fits, with the numbers, bytes. */
export interface Fit {
  /** `after-unload`: once the model that is in memory makes room. */
  verdict: 'fits' | 'after-unload' | 'too-large';
  needed: number;
  /** Needed with the smallest context; 0 where that is not known. */
  least: number;
  /** What it may take: what is free, or what the executor can address if that is less. */
  available: number;
  /** `needed` above `available`; 0 when it fits. */
  short: number;
  /** Bytes of `available` that the model in memory holds now. */
  held: number;
  /** What stands in its way. */
  bound: 'free' | 'limit';
}

/**
 * @param memory.least bytes with the smallest context, where that is known
 * @param memory.free bytes that can still be had
 * @param memory.held bytes of the model that is in memory now
 * @param memory.limit bytes that the executor can address; null: as many as there are
 */
export function fitOf(memory: {
  needed: number;
  least?: number;
  free: number;
  held: number;
  limit: number | null;
}): Fit {
  const { needed, least = 0, free, held, limit } = memory;
  const bound = limit !== null && limit < free + held ? 'limit' : 'free';
  const available = bound === 'limit' && limit !== null ? limit : free + held;
  const verdict = needed > available ? 'too-large' : needed > free ? 'after-unload' : 'fits';
  return { verdict, needed, least, available, short: Math.max(0, needed - available), held, bound };
}
