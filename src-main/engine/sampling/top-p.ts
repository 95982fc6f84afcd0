import type { Candidates } from './candidates.ts';
import { selectTop } from './select-top.ts';

/** Number of candidates sorted at first: the nucleus is rarely larger, and sorting a whole vocabulary is slow. */
const FIRST_ORDERED = 256;

/**
 * Nucleus sampling (Holtzman et al. 2020): keeps the most probable tokens, best first, until their probabilities reach
 * `p`, and at least `minKeep`. Off when `p` >= 1.
 */
export function applyTopP(candidates: Candidates, p: number, minKeep = 0): void {
  if (p >= 1) return;
  candidates.softmax();
  const mass = Math.fround(p);
  const { probabilities, length } = candidates;
  if (candidates.sorted) {
    candidates.length = nucleusSize(length, (i) => probabilities[i], mass, minKeep) ?? length;
    return;
  }
  for (let ordered = Math.min(FIRST_ORDERED, length); ; ordered = Math.min(ordered * 8, length)) {
    const slots = selectTop(candidates.logits, length, ordered);
    const size = nucleusSize(ordered, (i) => probabilities[slots[i]], mass, minKeep);
    if (size === null && ordered < length) continue;
    candidates.keep(slots.subarray(0, size ?? length));
    candidates.sorted = true;
    return;
  }
}

/** How many of the first `count` reach `mass`; null when they do not. Summed in float32, as in llama.cpp. */
function nucleusSize(
  count: number,
  probability: (index: number) => number,
  mass: number,
  minKeep: number,
): number | null {
  let cumulative = 0;
  for (let i = 0; i < count; i++) {
    cumulative = Math.fround(cumulative + probability(i));
    if (cumulative >= mass && i + 1 >= minKeep) return i + 1;
  }
  return null;
}
