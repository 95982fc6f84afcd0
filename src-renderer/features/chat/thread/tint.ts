/**
 * Step of the probability scale that a token is tinted with: tenths, and a last step for 0.99 and up.
 *
 * @param logprob natural log of the model's own probability
 * @returns 0 to 10
 */
export function probabilityStep(logprob: number): number {
  const probability = Math.exp(logprob);
  // Only what is sure gets the last step; rounding errors of exp must not lift 0.9 to a lower tenth.
  return probability >= 0.99 ? 10 : Math.min(9, Math.floor(10 * probability + 1e-9));
}

/** Surprise in bits: -log2 of the probability. */
export function bitsOf(logprob: number): number {
  return Math.max(0, -logprob / Math.LN2);
}
