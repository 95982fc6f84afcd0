/** For any settings and logits, a chain draws a possible token with a numeric probability. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SAMPLING_SETTINGS, type SamplingParams } from '../settings/sampling.ts';
import type { Setting } from '../settings/setting.ts';
import { DEFAULT_SAMPLER_ORDER } from '../api/types.ts';
import { SamplerChain } from './sampler-chain.ts';
import { Removals } from './removals.ts';
import { recordStages } from './stage-reports.ts';

const VOCABULARY = 12;
const BREAKERS = ['\n', 'ab', 'b:'];
const vocabulary = {
  size: VOCABULARY,
  text: (id: number) => ['a', 'b', '\n', 'xab', 'xa', ':', 'b:c', '', ' ', 'd', 'e', 'f'][id],
  encode: (text: string) => Array.from(text, (letter) => ['a', 'b', '\n', '', '', ':'].indexOf(letter)),
};

const number = (min: number, max: number, ...special: number[]) =>
  fc.oneof(fc.constantFrom(min, max, ...special), fc.double({ min, max, noNaN: true }));

/** Any number in a setting's range, or its default if it is not a number. */
function inRange(row: Setting): fc.Arbitrary<unknown> {
  if (row.kind !== 'number' || row.default === null) return fc.constant(row.default);
  return row.integer ? fc.integer(row) : number(row.min, row.max, row.default);
}

const sampling = fc.record({
  ...Object.fromEntries(Object.entries<Setting>(SAMPLING_SETTINGS).map(([key, row]) => [key, inRange(row)])),
  samplers: fc.array(fc.constantFrom(...DEFAULT_SAMPLER_ORDER), { maxLength: 12 }),
  temperature: number(-1, 100, 0, 1e-40, 0.8),
  topK: fc.integer({ min: -1, max: 20 }),
  topP: number(0, 1, 0.95),
  minP: number(0, 1, 0.05),
  typicalP: number(0, 1, 0.5),
  topNSigma: number(-1, 100, 0, 1e-30, 1),
  xtcProbability: number(0, 1, 0.5),
  xtcThreshold: number(0, 1, 0.1),
  minKeep: fc.integer({ min: 0, max: 20 }),
  repeatPenalty: number(0.01, 100, 1),
  frequencyPenalty: number(-100, 100, 0),
  presencePenalty: number(-100, 100, 0),
  penaltyLastN: fc.integer({ min: -1, max: 70 }),
  dryMultiplier: number(0, 100, 0.8),
  dryBase: number(0, 100, 1, 1.75),
  dryAllowedLength: fc.integer({ min: 0, max: 4 }),
  dryPenaltyLastN: fc.integer({ min: -1, max: 70 }),
  drySequenceBreakers: fc.subarray(BREAKERS),
  dynatempRange: number(0, 100, 0.5),
  dynatempExponent: number(0, 100, 1),
  mirostat: fc.constantFrom(0, 0, 0, 1, 2),
  mirostatTau: number(0, 100, 5),
  mirostatEta: number(0, 1, 0.1),
  adaptiveTarget: number(-1, 1, -1, 0, 0.3),
  adaptiveDecay: number(0, 0.99, 0.9),
  logitBias: fc.array(fc.tuple(fc.nat(VOCABULARY - 1), number(-1e9, 1e9, 0)), { maxLength: 3 }),
}) as fc.Arbitrary<SamplingParams>;

const logits = fc.array(
  fc.oneof(fc.constantFrom(0, -0, 1, 1e-40, -1e6, 1e6), fc.double({ min: -30, max: 30, noNaN: true })),
  { minLength: VOCABULARY, maxLength: VOCABULARY },
);
const EVERY_ID = Array.from({ length: VOCABULARY }, (_, id) => id);
const ids = (maxLength: number) => fc.array(fc.nat(VOCABULARY - 1), { maxLength });

it('never loses the last candidate and never computes NaN', () => {
  fc.assert(
    fc.property(
      sampling,
      fc.array(logits, { minLength: 1, maxLength: 4 }),
      ids(80),
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
