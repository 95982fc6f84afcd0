import type { Candidates } from './candidates.ts';

/**
 * Keeps tokens at least `p` times as probable as the best one (Nguyen et al. 2024), and at least `minKeep`. Compares
 * logits (`logit >= max + ln p`), so it needs no softmax, and unsorted candidates stay in order. Off when `p` <= 0.
 */
export function applyMinP(candidates: Candidates, p: number, minKeep = 0): void {
  if (p <= 0 || candidates.length === 0) return;
  const limit = Math.fround(candidates.highest() + Math.fround(Math.log(Math.fround(p))));
  if (candidates.keepFrom(limit, minKeep)) return;
  const { ids, logits, length } = candidates;

  let survivors = 0;
  for (let i = 0; i < length; i++) if (logits[i] >= limit) survivors++;
  if (candidates.sorted || survivors === 0 || survivors < minKeep) {
    candidates.keepTop(Math.max(1, minKeep, survivors));
    return;
  }
  let kept = 0;
  for (let i = 0; i < length; i++) {
    if (logits[i] < limit) continue;
    ids[kept] = ids[i];
    logits[kept] = logits[i];
    kept++;
  }
  candidates.length = kept;
}
