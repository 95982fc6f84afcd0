/** What a model needs of this computer's memory, and whether there is as much. */
import type { ModelDescription } from '../../../src-main/engine/model-description.ts';
import type { CatalogueEntry } from '../../../src-main/protocol/app-services.ts';
import { defaultContext } from '../../../src-main/protocol/model-fit.ts';

export { defaultContext, fitOf, memoryAt, type Fit } from '../../../src-main/protocol/model-fit.ts';

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

/** How this engine loads models, as far as it shows in one that was described. */
export interface EngineHabits {
  /** Bytes of one number of the context cache. */
  cacheNumberBytes: number;
  /** Bytes that the executor can address at most; null: as many as there are. */
  limit: number | null;
}

/** @param model any model whose headers the engine has read */
export function habitsOf(model: ModelDescription): EngineHabits | null {
  const at = model.memory[0];
  const numbers = 2 * model.layers * model.kvHeads * model.headDim * (at?.contextSize ?? 0);
  if (at === undefined || numbers === 0) return null;
  return { cacheNumberBytes: at.kvCache / numbers, limit: model.memoryLimit };
}

/** What a model of the catalogue would take, before its headers can be read: no working space, which is small. */
export interface EntryMemory {
  contextSize: number;
  weights: number;
  kvCache: number;
  total: number;
}

/** Bytes of one number in the catalogue's `kvBytesPerToken`. */
const F16_BYTES = 2;

/** Null where the size of the file is not known. */
export function entryMemory(entry: CatalogueEntry, habits: EngineHabits | null): EntryMemory | null {
  if (entry.bytes === null) return null;
  const contextSize = defaultContext(entry.contextSize);
  const perToken = (entry.kvBytesPerToken / F16_BYTES) * (habits?.cacheNumberBytes ?? F16_BYTES);
  const kvCache = perToken * contextSize;
  return { contextSize, weights: entry.bytes, kvCache, total: entry.bytes + kvCache };
}
