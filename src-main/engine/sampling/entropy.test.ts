import { expect, it } from 'vitest';
import { entropyOf } from './entropy.ts';

it('is ln n for n equal values, and 0 for a certain one', () => {
  expect(entropyOf(new Float32Array(8000).fill(3), 3)).toBeCloseTo(Math.log(8000), 12);
  expect(entropyOf(Float32Array.of(-1e4, 20, -1e4), 20)).toBe(0);
  expect(entropyOf(Float32Array.of(5), 5)).toBe(0);
});

it('leaves out values that are ruled out', () => {
  const none = Number.NEGATIVE_INFINITY;
  expect(entropyOf(Float32Array.of(none, 1, none, 1), 1)).toBeCloseTo(Math.LN2, 12);
});

it('is the sum of -p ln p', () => {
  const values = Float32Array.from({ length: 500 }, (_, i) => 8 * Math.sin(i * i));
  const max = Math.max(...values);
  const sum = values.reduce((total, value) => total + Math.exp(value - max), 0);
  let entropy = 0;
  for (const value of values) {
    const p = Math.exp(value - max) / sum;
    entropy -= p * Math.log(p);
  }
  // The tables of the exponential have a relative error below 1e-12.
  expect(entropyOf(values, max)).toBeCloseTo(entropy, 10);
});
