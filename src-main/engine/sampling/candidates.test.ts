import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Candidates } from './candidates.ts';
import { draw } from './dist.ts';
import { applyLogitBias } from './logit-bias.ts';
import { PlainLogits } from './logits.ts';
import { Mt19937 } from './rng.ts';
import { selectTop } from './select-top.ts';
import { applyTemperature } from './temperature.ts';

const SIZE = 60;
const logits = fc
  .array(fc.integer({ min: -9, max: 9 }), { minLength: SIZE, maxLength: SIZE })
  .map((values) => Float32Array.from(values, (value) => (value === -9 ? Number.NEGATIVE_INFINITY : value)));
const changes = fc.array(fc.tuple(fc.nat(SIZE + 3), fc.integer({ min: -9, max: 9 })), { maxLength: 12 });
const masks = fc.uniqueArray(fc.nat(SIZE - 1), { maxLength: 8 }).map((ids) => new Set(ids));

describe('Candidates', () => {
  it('are the same whether or not an earlier stage read all of them', () => {
    fc.assert(
      fc.property(logits, masks, changes, fc.nat(SIZE + 1), (values, mask, bias, k) => {
        const masked = values.map((value, id) => (mask.has(id) ? Number.NEGATIVE_INFINITY : value));
        const changed = Float32Array.from(masked);
        for (const [id, by] of bias) changed[id] += by;
        const best = selectTop(changed, SIZE, k);
        for (const look of ['never', 'before the mask', 'behind it', 'behind the changes'] as const) {
          const candidates = new Candidates(SIZE);
          candidates.reset(new PlainLogits(values));
          if (look === 'before the mask') expect(candidates.logits).toEqual(values);
          candidates.mask(mask);
          if (look === 'behind it') expect(candidates.logits).toEqual(masked);
          applyLogitBias(candidates, bias);
          if (look === 'behind the changes') expect(candidates.logits).toEqual(changed);
          expect(candidates.indexOfMax()).toBe(selectTop(changed, SIZE, 1)[0]);
          candidates.keepTop(k);
          expect(candidates.ids.slice(0, candidates.length)).toEqual(best);
          expect(candidates.logits.slice(0, candidates.length)).toEqual(Float32Array.from(best, (id) => changed[id]));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('are drawn with the same probabilities whether or not a stage read all of them', () => {
    const temperature = fc.constantFrom(0, 1e-40, 0.3, 0.7, 1, 1.5, 90);
    fc.assert(
      fc.property(
        logits,
        masks,
        changes,
        fc.array(temperature, { maxLength: 2 }),
        (values, mask, bias, temperatures) => {
          const [lazy, copied] = [false, true].map((looks) => {
            const candidates = new Candidates(SIZE);
            candidates.reset(new PlainLogits(values));
            candidates.mask(mask);
            applyLogitBias(candidates, bias);
            for (const each of temperatures) {
              if (looks) expect(candidates.logits).toHaveLength(SIZE);
              applyTemperature(candidates, each);
            }
            if (looks) expect(candidates.logits).toHaveLength(SIZE);
            const drawable = candidates.countDrawable();
            if (drawable === 0) return { drawable };
            const slot = draw(candidates, new Mt19937(7));
            const probabilities = Array.from(values, (_, id) => {
              expect(candidates.idAt(id)).toBe(id);
              return candidates.slotOf(id) === -1 ? null : candidates.probability(id);
            });
            return { drawable, slot, probabilities, logits: Array.from(candidates.logits) };
          });
          expect(lazy).toEqual(copied);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reset the mask and the changes of the previous token', () => {
    const candidates = new Candidates(3);
    candidates.reset(Float32Array.of(1, 2, 3));
    candidates.mask(new Set([2]));
    candidates.change([0], () => 9);
    candidates.reset(Float32Array.of(1, 2, 3));
    expect(candidates.indexOfMax()).toBe(2);
    expect([...candidates.logits]).toEqual([1, 2, 3]);
  });

  it('skip masked ones, until none is left', () => {
    const values = Float32Array.from({ length: 300 }, (_, id) => (id % 3 === 0 ? -Infinity : (id * 37) % 300));
    const mask = new Set([0, 81, 8, 73]);
    const masked = Float32Array.from(values, (value, id) => (mask.has(id) ? -Infinity : value));
    for (const k of [1, 5, 196, 197, 198, 199, 201, 240]) {
      const candidates = new Candidates(300);
      candidates.reset(values);
      candidates.mask(mask);
      candidates.keepTop(k);
      expect(candidates.ids.slice(0, k)).toEqual(selectTop(masked, 300, k));
    }
  });

  it('keep the requested number of many after a few changed', () => {
    const values = Float32Array.from({ length: 1000 }, (_, id) => (id * 37) % 1000);
    for (const k of [5, 251, 252, 999]) {
      const candidates = new Candidates(1000);
      candidates.reset(values);
      candidates.change([27, 54, 3, 0, 800], (logit, id) => logit + (id % 2 === 0 ? 400 : -400));
      const changed = Float32Array.from(values, (value, id) => value + ([54, 0, 800].includes(id) ? 400 : 0));
      for (const id of [27, 3]) changed[id] -= 400;
      candidates.keepTop(k);
      expect(candidates.ids.slice(0, k)).toEqual(selectTop(changed, 1000, k));
    }
  });

  it('do not change the given logits', () => {
    const given = Float32Array.of(1, 2, 3);
    const candidates = new Candidates(3);
    candidates.reset(given);
    candidates.logits.fill(7);
    expect([...given]).toEqual([1, 2, 3]);
  });
});
