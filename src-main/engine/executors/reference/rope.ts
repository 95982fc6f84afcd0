import type { RopeAttributes } from '../../program/ops.ts';

/** Rotates the pairs of every head of x `[positions, heads * headDim]`, with angles in double precision. */
export function rope(
  { headDim, pairing, frequencies, magnitude }: RopeAttributes,
  positions: Int32Array,
  x: Float32Array,
  y: Float32Array,
): void {
  const width = x.length / positions.length;
  const pairs = frequencies.length;
  const [step, distance] = pairing === 'interleaved' ? [2, 1] : [1, pairs];
  const cos = new Float64Array(pairs);
  const sin = new Float64Array(pairs);
  y.set(x);
  for (let row = 0; row < positions.length; row++) {
    for (let i = 0; i < pairs; i++) {
      const angle = positions[row] * frequencies[i];
      cos[i] = Math.cos(angle) * magnitude;
      sin[i] = Math.sin(angle) * magnitude;
    }
    for (let head = row * width; head < (row + 1) * width; head += headDim) {
      for (let i = 0; i < pairs; i++) {
        const first = head + i * step;
        const a = x[first];
        const b = x[first + distance];
        y[first] = a * cos[i] - b * sin[i];
        y[first + distance] = a * sin[i] + b * cos[i];
      }
    }
  }
}
