/** What a model needs of this computer's memory, and whether there is as much. */
import type { CatalogueEntry } from '../../../src-main/protocol/app/app-services.ts';
import { defaultContext } from '../../../src-main/protocol/engine/model-fit.ts';

export { defaultContext, fitOf, memoryAt, type Fit } from '../../../src-main/protocol/engine/model-fit.ts';

/** The smallest context that is offered, tokens. */
export const SMALLEST_CONTEXT = 256;
/**
 * Contexts to choose from: powers of two and what lies half way between, from 256 to what the model was trained for,
 * which is always the last.
 */
export function contextStops(trained: number): number[] {
  const stops: number[] = [];
  for (let size = SMALLEST_CONTEXT; size < trained; size *= 2) stops.push(size, size * 1.5);
  return [...stops.filter((size) => size < trained), trained];
}

/** Index of the stop that is nearest to a size, by ratio. */
export function nearestStop(stops: readonly number[], size: number): number {
  const distance = (stop: number) => Math.abs(Math.log(stop / size));
  return stops.reduce((best, stop, index) => (distance(stop) < distance(stops[best] ?? stop) ? index : best), 0);
}

/** What a model of the catalogue would take, before its headers can be read: working space left out. */
export interface EntryMemory {
  contextSize: number;
  weights: number;
  kvCache: number;
  total: number;
}

/** Bytes of one number in the catalogue's `kvBytesPerToken`. */
const F16_BYTES = 2;

/** Null where the size of the file is not known. */
export function entryMemory(entry: CatalogueEntry): EntryMemory | null {
  if (entry.bytes === null) return null;
  const contextSize = defaultContext(entry.contextSize);
  // The engine keeps K and V as exact as the weights are.
  const numberBytes = entry.quantisation === 'F32' ? 4 : F16_BYTES;
  const kvCache = (entry.kvBytesPerToken / F16_BYTES) * numberBytes * contextSize;
  return { contextSize, weights: entry.bytes, kvCache, total: entry.bytes + kvCache };
}
