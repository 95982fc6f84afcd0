import type { Candidates } from './candidates.ts';

/**
 * The line from which `draw` takes a token: candidates laid end to end from 0 to 1, in array order. A random number u takes
 * the one with `from < u <= to`.
 * @returns `[id, from, to]` of those that can be drawn
 */
export function drawLine({ ids, logits, length }: Candidates): [id: number, from: number, to: number][] {
  let max = Number.NEGATIVE_INFINITY;
  for (let slot = 0; slot < length; slot++) max = Math.max(max, logits[slot]);
  // As in `draw`: terms are float32, and their sum is a double.
  const weights = new Float32Array(length);
  let sum = 0;
  for (let slot = 0; slot < length; slot++) {
    weights[slot] = Math.exp(Math.fround(logits[slot] - max));
    sum += weights[slot];
  }
  const line: [number, number, number][] = [];
  let running = 0;
  for (let slot = 0; slot < length; slot++) {
    if (logits[slot] === Number.NEGATIVE_INFINITY) continue;
    const from = running;
    running += weights[slot];
    line.push([ids[slot], from / sum, running / sum]);
  }
  return line;
}
