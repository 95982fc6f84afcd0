import type { Candidates } from './candidates.ts';
import { applyTemperature } from './temperature.ts';

export interface DynamicTemperature {
  temperature: number;
  /** Maximum change of the temperature in either direction; <= 0 is off, and the temperature fixed. */
  range: number;
  /** Above 1, the temperature stays low until the model is quite uncertain. */
  exponent: number;
}

/**
 * Entropy-based temperature (kalomaze 2023): low when the model is certain, high when it is not. With H the entropy of
 * the n candidates, T = low + (high - low) * (H / ln n) ^ exponent. A single candidate is unchanged.
 * @returns the temperature that was applied; null if none was
 */
export function applyDynamicTemperature(candidates: Candidates, settings: DynamicTemperature): number | null {
  const { temperature, range, exponent } = settings;
  if (range <= 0) {
    applyTemperature(candidates, temperature);
    return temperature;
  }
  if (candidates.length <= 1) return null;
  const low = Math.max(0, Math.fround(Math.fround(temperature) - Math.fround(range)));
  const high = Math.fround(Math.fround(temperature) + Math.fround(range));
  candidates.keepTop(candidates.length);
  candidates.softmax();
  const relative = Math.fround(entropyOf(candidates) / maxEntropy(candidates.length));
  const power = Math.fround(relative ** Math.fround(exponent));
  const chosen = Math.fround(low + Math.fround(Math.fround(high - low) * power));
  applyTemperature(candidates, chosen);
  return chosen;
}

/** Entropy of `probabilities` in nats; float32 throughout, as in llama.cpp. */
function entropyOf({ probabilities, length }: Candidates): number {
  let entropy = 0;
  for (let i = 0; i < length; i++) {
    const p = probabilities[i];
    if (p > 0) entropy = Math.fround(entropy - Math.fround(p * Math.fround(Math.log(p))));
  }
  return entropy;
}

/** The entropy of `n` equally probable candidates, in nats. */
function maxEntropy(n: number): number {
  return Math.fround(-Math.log(Math.fround(1 / n)));
}
