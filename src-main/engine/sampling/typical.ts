import type { Candidates } from './candidates.ts';
import { selectTop } from './select-top.ts';

/**
 * Locally typical sampling (Meister et al. 2023): keeps the tokens whose surprisal, -ln p, is nearest to the expected
 * one, the entropy, until their probabilities exceed `p`, and at least `minKeep`, in that order. Off when `p` >= 1.
 */
export function applyTypical(candidates: Candidates, p: number, minKeep = 0): void {
  if (p >= 1) return;
  candidates.keepTop(candidates.length);
  candidates.softmax();
  const { probabilities, length } = candidates;

  const surprises = new Float32Array(length);
  let entropy = 0;
  for (let i = 0; i < length; i++) {
    surprises[i] = -Math.log(probabilities[i]);
    // 0 * ln 0 is 0: tokens that are ruled out must not make the entropy NaN.
    if (probabilities[i] > 0) entropy = Math.fround(entropy + Math.fround(probabilities[i] * surprises[i]));
  }
  const closeness = surprises.map((surprise) => -Math.abs(surprise - entropy));
  const slots = selectTop(closeness, length, length);

  const mass = Math.fround(p);
  let cumulative = 0;
  let kept = length;
  for (let i = 0; i < length; i++) {
    cumulative = Math.fround(cumulative + probabilities[slots[i]]);
    if (cumulative > mass && i + 1 >= minKeep) {
      kept = i + 1;
      break;
    }
  }
  candidates.keep(slots.subarray(0, kept));
  candidates.sorted = false;
}
