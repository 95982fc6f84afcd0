import { describe, expect, it } from 'vitest';
import { weight } from './weight.ts';

describe('weight', () => {
  it('is e^x in double precision', () => {
    for (let x = 0; x > -110; x -= 0.0137) {
      // The terms that are left out are below 2e-16, and each operation rounds.
      expect(Math.abs(weight(x) / Math.exp(x) - 1)).toBeLessThan(2e-15);
    }
    expect(weight(0)).toBe(1);
  });

  it('rounds to the same float32 as Math.exp, or to a neighbour where that is a tie', () => {
    let different = 0;
    for (let i = 0; i < 100_000; i++) {
      const x = Math.fround(-i * 0.00107);
      if (Math.fround(weight(x)) !== Math.fround(Math.exp(x))) different++;
    }
    expect(different).toBeLessThan(3);
  });

  it('is 0 in float32 where nothing is left', () => {
    expect(Math.fround(weight(-104.1))).toBe(0);
    expect(Math.fround(weight(-3e38))).toBe(0);
    expect(Math.fround(weight(Number.NEGATIVE_INFINITY))).toBe(0);
  });
});
