/** How much memory a model needs, and whether it fits. */
import { defaultContext } from '../../../src-main/engine/api/defaults.ts';
import type { ExecutorName, ModelInfo } from '../../../src-main/engine/api/types.ts';
import type { CatalogueEntry } from '../../../src-main/protocol/app/downloads.ts';
import { ramOf } from '../../../src-main/protocol/engine/model-fit.ts';

export { defaultContext };
export { fitOf, gpuMemoryAt, memoryAt, ramOf, type Fit } from '../../../src-main/protocol/engine/model-fit.ts';

/** The smallest context size offered, tokens. */
export const SMALLEST_CONTEXT = 256;
/**
 * Context sizes to choose from: powers of two and the values halfway between, from 256 to the trained context, which is
 * always the last.
 */
export function contextStops(trained: number): number[] {
  const stops: number[] = [];
  for (let size = SMALLEST_CONTEXT; size < trained; size *= 2) stops.push(size, size * 1.5);
  return [...stops.filter((size) => size < trained), trained];
}

/**
 * The context size to offer when one is full: twice as much, or the next one that holds `needed` tokens; null if the
 * model was trained for no more.
 */
export function biggerContext(trained: number, current: number, needed: number): number | null {
  if (trained <= current || trained < needed) return null;
  return contextStops(trained).find((stop) => stop >= Math.max(2 * current, needed)) ?? trained;
}

/** Index of the stop nearest to a size, by ratio. */
export function nearestStop(stops: readonly number[], size: number): number {
  const distance = (stop: number) => Math.abs(Math.log(stop / size));
  return stops.reduce((best, stop, index) => (distance(stop) < distance(stops[best] ?? stop) ? index : best), 0);
}

/**
 * Whether loading a model takes memory of a GPU instead of RAM, as far as is known before.
 * @param executor that is asked for; by default, the loaded model keeps its own, and another one is chosen for others
 * @param engine what is loaded, and what it was to run on
 */
export function takesGpuMemory(
  id: string,
  executor: ExecutorName | 'auto' | undefined,
  engine: { readonly model: ModelInfo | null; readonly requested: ExecutorName | 'auto' | null | undefined },
): boolean {
  const { model, requested } = engine;
  const isLoaded = model?.id === id;
  const wanted = executor ?? (isLoaded ? requested : null) ?? 'auto';
  if (model?.executor === 'webgpu') {
    // Its GPU shares the RAM.
    if (ramOf(model) > 0) return false;
    // The choice is remembered.
    if (isLoaded && wanted === 'auto') return true;
  }
  return wanted === 'webgpu';
}

/** Estimated memory of a catalogue entry, without working space: its header is not available yet. */
export interface EntryMemory {
  contextSize: number;
  weights: number;
  kvCache: number;
  total: number;
}

/** Bytes of one number in the catalogue's `kvBytesPerToken`. */
const F16_BYTES = 2;

/** Null if the file size is unknown. */
export function entryMemory(entry: CatalogueEntry): EntryMemory | null {
  if (entry.bytes === null) return null;
  const contextSize = defaultContext(entry.contextSize);
  // The engine stores K and V with the precision of the weights.
  const numberBytes = entry.quantisation === 'F32' ? 4 : F16_BYTES;
  const kvCache = (entry.kvBytesPerToken / F16_BYTES) * numberBytes * contextSize;
  return { contextSize, weights: entry.bytes, kvCache, total: entry.bytes + kvCache };
}
