import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Candidates } from './candidates.ts';
import { PlainLogits } from './logits.ts';
import { selectTop } from './select-top.ts';

const SIZE = 60;
const logits = fc
  .array(fc.integer({ min: -9, max: 9 }), { minLength: SIZE, maxLength: SIZE })
  .map((values) => Float32Array.from(values, (value) => (value === -9 ? Number.NEGATIVE_INFINITY : value)));
const masks = fc.uniqueArray(fc.nat(SIZE - 1), { maxLength: 8 }).map((ids) => new Set(ids));

describe('Candidates', () => {
  it('are the same whether a stage looked at all of them before or not', () => {
    fc.assert(
      fc.property(logits, masks, fc.nat(SIZE + 1), (values, mask, k) => {
        const masked = values.map((value, id) => (mask.has(id) ? Number.NEGATIVE_INFINITY : value));
        const best = selectTop(masked, SIZE, k);
        for (const look of ['never', 'before the mask', 'behind it'] as const) {
          const candidates = new Candidates(SIZE);
          candidates.reset(new PlainLogits(values));
          if (look === 'before the mask') expect(candidates.logits).toEqual(values);
          candidates.mask(mask);
          if (look === 'behind it') expect(candidates.logits).toEqual(masked);
          expect(candidates.indexOfMax()).toBe(selectTop(masked, SIZE, 1)[0]);
          candidates.keepTop(k);
          expect(candidates.ids.slice(0, candidates.length)).toEqual(best);
          expect(candidates.logits.slice(0, candidates.length)).toEqual(Float32Array.from(best, (id) => masked[id]));
        }
      }),
    );
  });

  it('forget the mask of the token before', () => {
    const candidates = new Candidates(3);
    candidates.reset(Float32Array.of(1, 2, 3));
    candidates.mask(new Set([2]));
    candidates.reset(Float32Array.of(1, 2, 3));
    expect(candidates.indexOfMax()).toBe(2);
    expect([...candidates.logits]).toEqual([1, 2, 3]);
  });

  it('leave the logits that they were given as they are', () => {
    const given = Float32Array.of(1, 2, 3);
    const candidates = new Candidates(3);
    candidates.reset(given);
    candidates.logits.fill(7);
    expect([...given]).toEqual([1, 2, 3]);
  });
});
