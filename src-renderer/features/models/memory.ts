/** How much memory a model needs, and whether it fits. */
import { defaultContext } from '../../../src-main/engine/api/defaults.ts';
import type { CatalogueEntry } from '../../../src-main/protocol/app/downloads.ts';

export { defaultContext };
export { fitOf, gpuMemoryAt, memoryAt, type Fit } from '../../../src-main/protocol/engine/model-fit.ts';

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
