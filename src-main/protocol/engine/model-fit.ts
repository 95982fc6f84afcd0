/** Whether a model fits this computer's memory: the same answer in the page and in the terminal. */
import type { GpuMemoryAt, MemoryAt, ModelInfo } from '../../engine/api/types.ts';

/**
 * The memory for any context, interpolated from known ones: each part is linear in the tokens between them, but for the
 * scratch memory of a model beyond 4 GiB, which may be 1 % off.
 * @param known smallest context first, at least one
 */
export function memoryAt(known: readonly MemoryAt[], contextSize: number): MemoryAt {
  const above = known.find((at) => at.contextSize >= contextSize) ?? known.at(-1);
  if (above === undefined) return { contextSize, weights: 0, kvCache: 0, scratch: 0, total: 0 };
  const index = known.indexOf(above);
  // Without a smaller one to compare with: no tokens need no K and V, and scratch memory is mostly constant.
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

/**
 * The same on a GPU. Its largest buffer is never estimated too small: that of K and V grows with the tokens, and the others
 * hardly do.
 */
export function gpuMemoryAt(known: readonly GpuMemoryAt[], contextSize: number): GpuMemoryAt {
  const at = memoryAt(known, contextSize);
  const above = known.find((each) => each.contextSize >= contextSize) ?? known.at(-1);
  if (above === undefined) return { ...at, largestBuffer: 0 };
  const below = known[known.indexOf(above) - 1] ?? { ...above, contextSize: 0 };
  const share = (contextSize - below.contextSize) / Math.max(1, above.contextSize - below.contextSize);
  const growth = above.largestBuffer - below.largestBuffer;
  return { ...at, largestBuffer: Math.round(below.largestBuffer + growth * share) };
}

/** Scratch memory of an empty context. @param known smallest context first, at least one */
function scratchOfNone([first, second]: readonly MemoryAt[]): number {
  if (first === undefined) return 0;
  if (second === undefined) return first.scratch;
  const perToken = (second.scratch - first.scratch) / Math.max(1, second.contextSize - first.contextSize);
  return Math.max(0, first.scratch - perToken * first.contextSize);
}

/**
 * Bytes of RAM that a loaded model occupies. Memory of a GPU is not RAM, except on those that are known to share it: Apple's, and
 * software renderers. Others do not say.
 */
export function ramOf(model: Pick<ModelInfo, 'executor' | 'adapter' | 'memoryBytes'>): number {
  const { executor, adapter, memoryBytes } = model;
  const sharesRam = adapter !== undefined && (adapter.isSoftware || /\bapple\b/i.test(adapter.name));
  if (executor === 'webgpu' && !sharesRam) return 0;
  const { weights, kvCache, scratch } = memoryBytes;
  return weights + kvCache + scratch;
}

/** Whether a model fits, with the numbers in bytes. */
export interface Fit {
  /** `after-unload`: if the model in memory is unloaded first. */
  verdict: 'fits' | 'after-unload' | 'too-large';
  needed: number;
  /** Needed with the smallest context; 0 if unknown. */
  least: number;
  /** The free memory and that of the current model. */
  available: number;
  /** `needed` above `available`; 0 when it fits. */
  short: number;
  /** Bytes of `available` that the current model occupies: see `ramOf`. */
  held: number;
}

/**
 * @param memory.least bytes with the smallest context, if known
 * @param memory.free free bytes of RAM
 * @param memory.held those of the current model
 */
export function fitOf(memory: { needed: number; least?: number; free: number; held: number }): Fit {
  const { needed, least = 0, free, held } = memory;
  const available = free + held;
  const verdict = needed > available ? 'too-large' : needed > free ? 'after-unload' : 'fits';
  return { verdict, needed, least, available, short: Math.max(0, needed - available), held };
}
