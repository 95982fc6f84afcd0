/** For any settings and logits, a chain draws a possible token with a numeric probability. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyIds, anyLogits, anySampling, VOCABULARY, vocabulary } from '../test-support/any-sampling.ts';
import { SamplerChain } from './sampler-chain.ts';
import { Removals } from './removals.ts';
import { recordStages } from './stage-reports.ts';

const EVERY_ID = Array.from({ length: VOCABULARY }, (_, id) => id);

it('never loses the last candidate and never computes NaN', () => {
  fc.assert(
    fc.property(
      anySampling,
      fc.array(anyLogits, { minLength: 1, maxLength: 4 }),
      anyIds(80),
      fc.uniqueArray(fc.nat(VOCABULARY - 1), { maxLength: VOCABULARY - 1 }),
      fc.nat(),
      (params, steps, before, maskedIds, seed) => {
        const history = [...before];
        const chain = new SamplerChain(VOCABULARY, params, seed, { maskedIds, vocabulary });
        const again = new SamplerChain(VOCABULARY, params, seed, { maskedIds, vocabulary });
        for (const step of steps) {
          const recorder = recordStages(VOCABULARY);
          const removals = new Removals(EVERY_ID);
          const sampled = chain.sample(Float32Array.from(step), history, (...stage) => {
            recorder.observe(...stage);
            removals.observe(...stage);
          });
          const chosen = recorder.stages.filter(({ stage }) => stage !== 'dist');
          expect(EVERY_ID.map((id) => removals.stageOf(id))).toEqual(
            EVERY_ID.map((id) => chosen.find(({ removedTop }) => removedTop.some(([one]) => one === id))?.stage),
          );
          expect(maskedIds).not.toContain(sampled.id);
          expect(sampled.probability).toBeGreaterThan(0);
          expect(sampled.probability).toBeLessThanOrEqual(1);
          for (const { survivors, top, topBefore, removedMass } of recorder.stages) {
            expect(survivors).toBeGreaterThanOrEqual(1);
            expect([...top.flat(), ...topBefore, removedMass].every(Number.isFinite)).toBe(true);
          }
          const all = chain.sampledProbabilities(EVERY_ID);
          expect(all.filter((p) => p !== null)).toHaveLength(sampled.survivors);
          expect(all.reduce<number>((sum, p) => sum + (p ?? 0), 0)).toBeCloseTo(1, 5);
          expect(again.sample(Float32Array.from(step), history)).toEqual(sampled);
          history.push(sampled.id);
        }
      },
    ),
    { numRuns: 1000, endOnFailure: true },
  );
});
