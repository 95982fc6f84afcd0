import { EngineError } from '../api/errors.ts';
import type { Candidates } from './candidates.ts';
import type { Mt19937 } from './rng.ts';

/**
 * Draws one candidate by its probability: adds them in array order until the sum reaches u * total. Consumes one uniform
 * number, even for a single candidate. Fills `candidates.probabilities`.
 * @returns the slot drawn
 * @throws EngineError BAD_REQUEST when every candidate is ruled out
 */
export function draw(candidates: Candidates, rng: Mt19937): number {
  requireDrawable(candidates);
  const { logits, probabilities, length } = candidates;
  const max = logits[candidates.indexOfMax()];
  // Terms are float32 and the sum is a double, as in llama.cpp, so that a seed draws the same token.
  let sum = 0;
  for (let i = 0; i < length; i++) {
    probabilities[i] = Math.exp(Math.fround(logits[i] - max));
    sum += probabilities[i];
  }
  const target = sum * rng.nextDouble();
  let running = 0;
  let chosen = -1;
  let reached = false;
  for (let i = 0; i < length; i++) {
    const weight = probabilities[i];
    if (!reached && weight > 0) {
      chosen = i;
      running += weight;
      reached = running >= target;
    }
    probabilities[i] = weight / sum;
  }
  return chosen;
}

/** @throws EngineError BAD_REQUEST when every candidate is ruled out */
export function requireDrawable(candidates: Candidates): void {
  const { logits, length } = candidates;
  if (length > 0 && logits[candidates.indexOfMax()] > Number.NEGATIVE_INFINITY) return;
  throw new NothingToDraw();
}

/** Every token is ruled out. */
export class NothingToDraw extends EngineError {
  constructor() {
    super('BAD_REQUEST', 'The settings rule out every token. Remove some logit biases or loosen the samplers.');
  }
}
