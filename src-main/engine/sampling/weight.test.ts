import { describe, expect, it } from 'vitest';
import { weight } from './weight.ts';

describe('weight', () => {
  it('is e^x, far more exact than a float32', () => {
    for (let x = 0; x > -110; x -= 0.0137) {
      // (ln 2 / 2)^9 / 9!, the first term that is left out, is 2e-10.
      expect(Math.abs(weight(x) / Math.exp(x) - 1)).toBeLessThan(3e-10);
    }
    expect(weight(0)).toBe(1);
  });

  it('rounds to the same float32 as Math.exp, but for one in a hundred, which is a neighbour', () => {
    let different = 0;
    let worst = 0;
    for (let i = 0; i < 100_000; i++) {
      const x = Math.fround(-i * 0.00107);
      const [found, expected] = [Math.fround(weight(x)), Math.fround(Math.exp(x))];
      if (found !== expected) different++;
      worst = Math.max(worst, Math.abs(found - expected) / (2 ** -23 * expected + 2 ** -149));
    }
    expect(different).toBeLessThan(1000);
    expect(worst).toBeLessThanOrEqual(1);
  });

  it('is 0 in float32 where nothing is left', () => {
    expect(Math.fround(weight(-104.1))).toBe(0);
    expect(Math.fround(weight(-3e38))).toBe(0);
    expect(Math.fround(weight(Number.NEGATIVE_INFINITY))).toBe(0);
  });
});
