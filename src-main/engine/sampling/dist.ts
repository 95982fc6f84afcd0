import { EngineError } from '../api/errors.ts';
import type { Candidates } from './candidates.ts';
import type { Mt19937 } from './rng.ts';

/**
 * Draws one candidate by its probability: the one at which the sum of weights, in array order, reaches u * total. Consumes
 * one uniform number, even for a single candidate. Fills `candidates.probabilities`.
 * @returns the slot drawn
 * @throws EngineError BAD_REQUEST when every candidate is ruled out
 */
export function draw(candidates: Candidates, rng: Mt19937): number {
  requireDrawable(candidates);
  const random = rng.nextDouble();
  if (candidates.certain !== -1) return candidates.certain;
  candidates.weigh();
  const { probabilities: weights, length } = candidates;
  const quarters = quarterSums(weights, length);
  candidates.total = quarters[0] + quarters[1] + quarters[2] + quarters[3];
  const target = candidates.total * random;
  let running = 0;
  let chosen = -1;
  for (let quarter = 0; quarter < 4; quarter++) {
    // The last one may have been rounded below the target.
    if (quarter < 3 && running + quarters[quarter] < target) {
      running += quarters[quarter];
      continue;
    }
    const end = quarterStart(quarter + 1, length);
    for (let slot = quarterStart(quarter, length); slot < end; slot++) {
      if (weights[slot] === 0) continue;
      chosen = slot;
      running += weights[slot];
      if (running >= target) return chosen;
    }
  }
  return chosen === -1 ? lastAbove0(weights, length) : chosen;
}

function quarterStart(quarter: number, length: number): number {
  return Math.min(length, quarter * Math.ceil(length / 4));
}

/**
 * Sums of the quarters of the first `length` weights, which do not wait for each other. Weights are float32 and sums
 * doubles, as in llama.cpp, so that a seed draws the same token.
 */
function quarterSums(weights: Float32Array, length: number): readonly [number, number, number, number] {
  const step = quarterStart(1, length);
  const last = length - 3 * step;
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i < last; i++) {
    a += weights[i];
    b += weights[i + step];
    c += weights[i + 2 * step];
    d += weights[i + 3 * step];
  }
  // The last quarter is shorter; of very few candidates, others are too.
  for (; i < step; i++) {
    a += weights[i];
    if (i + step < length) b += weights[i + step];
    if (i + 2 * step < length) c += weights[i + 2 * step];
  }
  return [a, b, c, d];
}

function lastAbove0(weights: Float32Array, length: number): number {
  let slot = length - 1;
  while (slot >= 0 && weights[slot] === 0) slot--;
  return slot;
}

/** @throws EngineError BAD_REQUEST when every candidate is ruled out */
export function requireDrawable(candidates: Candidates): void {
  if (candidates.length > 0 && candidates.highest() > Number.NEGATIVE_INFINITY) return;
  throw new NothingToDraw();
}

/** Every token is ruled out. */
export class NothingToDraw extends EngineError {
  constructor() {
    super('BAD_REQUEST', 'The settings rule out every token. Remove some logit biases or loosen the samplers.');
  }
}
