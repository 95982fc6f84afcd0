import type { Candidates } from './candidates.ts';

export interface Penalties {
  /** Length of the searched history in tokens; <= 0 is off. */
  lastN: number;
  /** Divides positive logits and multiplies others; 1 is off (Keskar et al. 2019). */
  repeat: number;
  /** Subtracted once per occurrence; 0 is off. */
  frequency: number;
  /** Subtracted once if there is any occurrence; 0 is off. */
  presence: number;
}

/** The largest float32. */
const LARGEST = 3.4028234663852886e38;

/**
 * Makes recent tokens less likely.
 * @param history prompt and reply so far, oldest first
 */
export function applyPenalties(candidates: Candidates, penalties: Penalties, history: readonly number[]): void {
  const { lastN, repeat, frequency, presence } = penalties;
  if (lastN <= 0 || (repeat === 1 && frequency === 0 && presence === 0)) return;
  const counts = new Map<number, number>();
  for (let i = Math.max(0, history.length - lastN); i < history.length; i++) {
    counts.set(history[i], (counts.get(history[i]) ?? 0) + 1);
  }
  if (counts.size === 0) return;

  const factor = Math.fround(repeat);
  const penalised = (logit: number, count: number): number => {
    if (logit === Number.NEGATIVE_INFINITY) return logit;
    const scaled = Math.fround(logit <= 0 ? logit * factor : logit / factor);
    const subtrahend = Math.fround(Math.fround(count * Math.fround(frequency)) + Math.fround(presence));
    // After a very low temperature they could overflow: to NaN later, or to no candidate at all.
    return Math.max(-LARGEST, Math.min(LARGEST, scaled - subtrahend));
  };
  candidates.sorted = false;
  const lowers = repeat >= 1 && frequency >= 0 && presence >= 0;
  if (candidates.change(counts.keys(), (logit, id) => penalised(logit, counts.get(id)!), lowers)) return;
  const { logits } = candidates;
  forEachCandidateIn(candidates, counts, (slot, count) => (logits[slot] = penalised(logits[slot], count)));
}

/** Calls `visit` for candidates whose id is in `counts`. */
function forEachCandidateIn(
  candidates: Candidates,
  counts: ReadonlyMap<number, number>,
  visit: (slot: number, count: number) => void,
): void {
  const { ids, length } = candidates;
  // As long as nothing was removed or reordered, token i is at slot i, and no search is needed.
  let direct = true;
  for (const id of counts.keys()) if (id >= length || ids[id] !== id) direct = false;
  if (direct) {
    for (const [id, count] of counts) visit(id, count);
    return;
  }
  for (let slot = 0; slot < length; slot++) {
    const count = counts.get(ids[slot]);
    if (count !== undefined) visit(slot, count);
  }
}
