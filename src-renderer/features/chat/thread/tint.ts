/**
 * Step of a token's tint on the probability scale: tenths, and a last step from 0.99.
 *
 * @param logprob natural log of the model's own probability
 * @returns 0 to 10
 */
export function probabilityStep(logprob: number): number {
  const probability = Math.exp(logprob);
  // The epsilon keeps rounding errors of exp from moving 0.9 to the tenth below.
  return probability >= 0.99 ? 10 : Math.min(9, Math.floor(10 * probability + 1e-9));
}

/** Surprisal in bits: -log2 of the probability. */
export function bitsOf(logprob: number): number {
  return Math.max(0, -logprob / Math.LN2);
}
