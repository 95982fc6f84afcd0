import { exponential, LOWEST } from './exponential-sum.ts';

/**
 * Entropy in nats of the softmax of `values`, in double precision: ln S - T / S, where S is the sum of e^x, T that of
 * x·e^x, and x is a value minus the largest.
 * @param max the largest of the values
 */
export function entropyOf(values: Float32Array, max: number): number {
  let sum = 0;
  let weighted = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] - max;
    if (!(x > LOWEST)) continue;
    const e = exponential(x);
    sum += e;
    weighted += x * e;
  }
  // Rounding may leave a tiny negative number where one token is certain.
  return Math.max(0, Math.log(sum) - weighted / sum);
}
