import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exponentialSum } from './exponential-sum.ts';

const largest = (values: Float32Array) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

describe('exponentialSum', () => {
  it('equals the sum of Math.exp for any logits', () => {
    const logits = fc.float32Array({ min: -2000, max: 2000, noNaN: true, minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(logits, (values) => {
        const max = largest(values);
        const expected = values.reduce((sum, value) => sum + Math.exp(value - max), 0);
        // The error of the sixth-order term and of 1,000 / ln 2 steps, each rounded.
        expect(Math.abs(exponentialSum(values, max) / expected - 1)).toBeLessThan(1e-12);
      }),
    );
  });

  it('has accurate terms, down to where they are negligible', () => {
    for (let x = 0; x > -699; x -= 0.37) {
      const term = exponentialSum(Float32Array.of(Math.fround(x)), 0);
      expect(Math.abs(term / Math.exp(Math.fround(x)) - 1)).toBeLessThan(1e-12);
    }
    expect(exponentialSum(Float32Array.of(0, -701, Number.NEGATIVE_INFINITY, -1e30, -800), 0)).toBe(1);
  });

  it('is NaN if any logit is NaN', () => {
    for (let at = 0; at < 7; at++) {
      const values = new Float32Array(7);
      values[at] = Number.NaN;
      expect(exponentialSum(values, 0)).toBeNaN();
    }
    expect(exponentialSum(Float32Array.of(Number.POSITIVE_INFINITY, 1), Number.POSITIVE_INFINITY)).toBeNaN();
  });
});
