/** Estimated speed of models that are not on this computer yet. */
import type { ModelListing } from '../../../src-main/protocol/app/app-services.ts';

/** Smaller weights fit in a processor's cache, so their rates say nothing about larger ones. */
const LARGE_BYTES = 50e6;

export interface EstimatedRate {
  tokensPerSecond: number;
  /** Name of the model that was measured. */
  measured: string;
}

/**
 * From the newest measurement of a large model: each token reads all weights once.
 * @param bytes of the model's file
 */
export function estimateRate(
  bytes: number,
  listings: readonly Pick<ModelListing, 'name' | 'fileBytes' | 'measured'>[],
): EstimatedRate | null {
  if (bytes < LARGE_BYTES) return null;
  const known = listings
    .filter(({ fileBytes }) => fileBytes >= LARGE_BYTES)
    .flatMap(({ name, fileBytes, measured }) =>
      measured.map(({ at, decodeTokensPerSecond: rate }) => {
        return { at, measured: name, tokensPerSecond: ((rate ?? 0) * fileBytes) / bytes };
      }),
    )
    .filter(({ tokensPerSecond }) => tokensPerSecond > 0)
    .sort((a, b) => b.at.localeCompare(a.at));
  const [newest] = known;
  return newest === undefined ? null : { tokensPerSecond: newest.tokensPerSecond, measured: newest.measured };
}
