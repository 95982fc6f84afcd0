import type { Candidates } from './candidates.ts';

/**
 * Adds `[token id, bias]` to the logits. As in llama.cpp, several entries for one token add up while the token is at its
 * own slot (as at the start of a chain); otherwise only the first entry counts.
 */
export function applyLogitBias(candidates: Candidates, bias: readonly (readonly [number, number])[]): void {
  if (bias.length === 0) return;
  candidates.sorted = false;
  if (bias.every(([id, value]) => candidates.change([id], (logit) => logit + Math.fround(value), value <= 0))) return;
  const { ids, logits, length } = candidates;
  const elsewhere = new Map<number, number>();
  for (const [id, value] of bias) {
    if (id < length && ids[id] === id) logits[id] = logits[id] + Math.fround(value);
    else if (!elsewhere.has(id)) elsewhere.set(id, value);
  }
  if (elsewhere.size > 0) {
    for (let slot = 0; slot < length; slot++) {
      const value = elsewhere.get(ids[slot]);
      if (value !== undefined) logits[slot] = logits[slot] + Math.fround(value);
    }
  }
}
