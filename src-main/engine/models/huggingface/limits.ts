import type { ConfigReader } from '../config-reader.ts';

// Far beyond any real model, and low enough that a damaged file is named and not believed.
export const MAX_VOCABULARY = 2 ** 22;
export const MAX_WIDTH = 2 ** 20;
export const MAX_LAYERS = 1024;
export const MAX_CONTEXT = 2 ** 27;

/** A whole number from 1 to `max`; `fallback` when the key is absent or null. */
export function optionalInteger(config: ConfigReader, key: string, max: number, fallback: number): number {
  return config.isSet(key) ? config.integer(key, 1, max) : fallback;
}
