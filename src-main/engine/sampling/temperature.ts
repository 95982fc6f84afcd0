import type { Candidates } from './candidates.ts';

/**
 * Divides every logit by the temperature: below 1 sharpens, above 1 flattens. At 0 or below only the first highest
 * logit stays finite, which makes the choice greedy.
 */
export function applyTemperature(candidates: Candidates, temperature: number): void {
  const divisor = Math.fround(temperature);
  // A temperature so low that logits overflow is greedy too; infinities would become NaN later.
  if (temperature <= 0 || !Number.isFinite(Math.fround(candidates.highest() / divisor))) {
    candidates.keepOnly(candidates.indexOfMax());
  } else {
    candidates.divide(divisor);
  }
}
