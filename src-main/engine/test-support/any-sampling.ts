/** Any settings of a sampler chain, and logits of a small vocabulary, for property tests. */
import fc from 'fast-check';
import { DEFAULT_SAMPLER_ORDER } from '../api/types.ts';
import { SAMPLING_SETTINGS, type SamplingParams } from '../settings/sampling.ts';
import type { Setting } from '../settings/setting.ts';

export const VOCABULARY = 12;
const BREAKERS = ['\n', 'ab', 'b:'];
/** Texts for DRY. */
export const vocabulary = {
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

export const anySampling = fc.record({
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

export const anyLogits = fc.array(
  fc.oneof(fc.constantFrom(0, -0, 1, 1e-40, -1e6, 1e6), fc.double({ min: -30, max: 30, noNaN: true })),
  { minLength: VOCABULARY, maxLength: VOCABULARY },
);

export const anyIds = (maxLength: number) => fc.array(fc.nat(VOCABULARY - 1), { maxLength });
