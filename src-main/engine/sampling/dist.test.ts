import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Candidates } from './candidates.ts';
import { draw } from './dist.ts';
import { drawLine } from './draw-line.ts';
import { Mt19937 } from './rng.ts';

describe('draw', () => {
  it('takes the candidate at which the line of all of them reaches the random number', () => {
    const logit = fc.oneof(fc.integer({ min: -30, max: 5 }), fc.constant(Number.NEGATIVE_INFINITY), fc.constant(-1000));
    const row = fc.array(logit, { minLength: 1, maxLength: 50 }).map((values) => Float32Array.of(...values, 1));
    fc.assert(
      fc.property(row, fc.nat(), (values, seed) => {
        const candidates = new Candidates(values.length);
        candidates.reset(values);
        const random = new Mt19937(seed).nextDouble();
        const slot = draw(candidates, new Mt19937(seed));
        const found = drawLine(candidates).find(([id]) => id === slot);
        if (found === undefined) throw new Error(`${slot} cannot be drawn`);
        const [, from, to] = found;
        // Sums in another order differ by a few units in the last place.
        expect(from).toBeLessThan(random + 1e-14);
        expect(to).toBeGreaterThan(random - 1e-14);
        expect(candidates.probability(slot)).toBeCloseTo(to - from, 6);
      }),
    );
  });

  it('never takes a candidate without weight', () => {
    for (const drawable of [0, 1, 2, 3, 4, 5, 6]) {
      for (const length of [7, 8, 9, 41]) {
        const candidates = new Candidates(length);
        candidates.reset(Float32Array.from({ length }, (_, i) => (i === drawable ? -3 : Number.NEGATIVE_INFINITY)));
        const rng = new Mt19937(drawable);
        for (let i = 0; i < 20; i++) expect(draw(candidates, rng)).toBe(drawable);
        expect(candidates.probability(drawable)).toBe(1);
      }
    }
  });
});
