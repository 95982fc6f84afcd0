import type { Candidates } from './candidates.ts';

/** Keeps the `k` highest logits (Fan et al. 2018), best first. Off when `k` <= 0. */
export function applyTopK(candidates: Candidates, k: number): void {
  if (k > 0) candidates.keepTop(k);
}
