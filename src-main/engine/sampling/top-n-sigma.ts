import type { Candidates } from './candidates.ts';

/**
 * Top-n-sigma (Tang et al. 2024): rules out tokens whose logit is more than `n` standard deviations below the best one.
 * They stay as candidates with a logit of -Infinity, which the standard deviation ignores. Off when `n` <= 0.
 */
export function applyTopNSigma(candidates: Candidates, n: number): void {
  if (n <= 0 || candidates.length <= 1) return;
  const { logits, length } = candidates;
  const max = logits[candidates.indexOfMax()];
  // Sums are float32, as in llama.cpp, so that the same tokens are cut.
  let sum = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    if (logits[i] === Number.NEGATIVE_INFINITY) continue;
    sum = Math.fround(sum + logits[i]);
    count++;
  }
  const mean = Math.fround(sum / count);
  let squares = 0;
  for (let i = 0; i < length; i++) {
    if (logits[i] === Number.NEGATIVE_INFINITY) continue;
    squares = Math.fround(squares + Math.fround(logits[i] - mean) ** 2);
  }
  const deviation = Math.fround(Math.sqrt(Math.fround(squares / count)));
  const limit = Math.fround(max - Math.fround(Math.fround(n) * deviation));
  for (let i = 0; i < length; i++) if (logits[i] < limit) logits[i] = Number.NEGATIVE_INFINITY;
}
