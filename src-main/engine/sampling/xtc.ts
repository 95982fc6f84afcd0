import type { Candidates } from './candidates.ts';
import type { Mt19937 } from './rng.ts';

export interface Xtc {
  /** Probability that the sampler acts on a token, 0..1; <= 0 is off. */
  probability: number;
  /** Minimum probability of a top choice. Above 0.5 there is at most one, so the sampler is off. */
  threshold: number;
}

/**
 * Exclude top choices (p-e-w 2024): with the given probability removes all tokens that reach the threshold except the
 * least likely of them, so that a text becomes less predictable but stays coherent. Consumes one random number per call
 * while it is on and there are two candidates.
 * @returns that number; null if it consumed none
 */
export function applyXtc(
  candidates: Candidates,
  { probability, threshold }: Xtc,
  rng: Mt19937,
  minKeep = 0,
): number | null {
  const limit = Math.fround(threshold);
  if (probability <= 0 || limit > 0.5 || candidates.length < 2) return null;
  const random = rng.nextFloat();
  if (random > Math.fround(probability)) return random;
  candidates.keepTop(candidates.length);
  candidates.softmax();
  const { ids, logits, probabilities, length } = candidates;

  let reaching = 0;
  while (reaching < length && probabilities[reaching] >= limit && logits[reaching] > Number.NEGATIVE_INFINITY) {
    reaching++;
  }
  const removed = reaching - 1;
  if (removed < 1 || length - removed < minKeep) return random;
  ids.copyWithin(0, removed, length);
  logits.copyWithin(0, removed, length);
  candidates.length = length - removed;
  return random;
}
