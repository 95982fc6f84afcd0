import type { Candidates } from './candidates.ts';

/** Bits of a float32 that are left out to find about how probable something is: an eighth of an exponent's range. */
const ROUGH_BITS = 20;
/** One for each rough probability up to 1. */
const ROUGH_STEPS = (0x3f800000 >>> ROUGH_BITS) + 1;

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
  // Sorting a whole vocabulary is slow.
  const likely = Math.max(minKeep, likelySize(probabilities, length, p));
  for (let ordered = Math.min(likely, length); ; ordered = Math.min(ordered * 8, length)) {
    const slots = candidates.topSlots(ordered);
    const size = nucleusSize(ordered, (i) => probabilities[slots[i]], mass, minKeep);
    if (size === null && ordered < length) continue;
    candidates.keep(slots.subarray(0, size ?? length));
    candidates.sorted = true;
    return;
  }
}

/** A number of candidates, best first, that is likely to reach `mass`, and not much more: at least 1. */
function likelySize(probabilities: Float32Array, length: number, mass: number): number {
  const bits = new Uint32Array(probabilities.buffer, probabilities.byteOffset, length);
  const counts = new Uint32Array(ROUGH_STEPS);
  const masses = new Float64Array(ROUGH_STEPS);
  for (let i = 0; i < length; i++) {
    const step = bits[i] >>> ROUGH_BITS;
    counts[step]++;
    masses[step] += probabilities[i];
  }
  let [size, sum] = [0, 0];
  for (let step = ROUGH_STEPS - 1; step >= 0 && sum < mass; step--) {
    size += counts[step];
    sum += masses[step];
  }
  return Math.max(1, size);
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
