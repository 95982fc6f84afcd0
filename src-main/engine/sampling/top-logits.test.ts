/** Draws from the best logits only. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../api/defaults.ts';
import type { SamplingParams } from '../settings/sampling.ts';
import { anyIds, anyLogits, anySampling, VOCABULARY, vocabulary } from '../test-support/any-sampling.ts';
import { bestOf } from '../test-support/best-logits.ts';
import { PlainLogits } from './logits.ts';
import { Removals } from './removals.ts';
import { SamplerChain } from './sampler-chain.ts';
import { MissingLogits, withEnough } from './top-logits.ts';

describe('TopLogits', () => {
  it('answer as all logits do, or not at all', () => {
    const values = Float32Array.of(3, 7, 7, -1, 5, -Infinity, 5, 5);
    const all = new PlainLogits(values);
    const best = bestOf(values, 4, () => undefined);
    // Three tokens have the value of the fourth.
    expect(best.known).toBe(2);
    expect(best.top(2)).toEqual(all.top(2));
    expect(best.before(2)).toBe(1);
    expect(best.at(1)).toBe(7);
    expect(best.logSum()).toBe(all.logSum());
    for (const ask of [
      () => best.top(3),
      () => best.before(4),
      () => best.at(4),
      () => best.values,
      () => best.countFinite(),
      () => best.weigh(),
    ]) {
      expect(ask).toThrow(MissingLogits);
    }
  });

  it('draw the same tokens with any settings', async () => {
    await fc.assert(
      fc.asyncProperty(
        anySampling,
        fc.array(anyLogits, { minLength: 1, maxLength: 4 }),
        anyIds(80),
        fc.uniqueArray(fc.nat(VOCABULARY - 1), { maxLength: VOCABULARY - 1 }),
        fc.nat(VOCABULARY),
        async (params, steps, before, maskedIds, k) => {
          const history = [...before];
          const [plain, best] = [0, 1].map(() => new SamplerChain(VOCABULARY, params, 7, { maskedIds, vocabulary }));
          for (const step of steps) {
            const values = Float32Array.from(step);
            const logits = bestOf(values, k, () => undefined);
            const top = [...new PlainLogits(values).top(logits.known)];
            const draw = (chain: SamplerChain, from: PlainLogits | typeof logits) => {
              const removals = new Removals(top);
              const sampled = chain.sample(from, history, removals.observe);
              const probabilities = chain.sampledProbabilities(top);
              return { sampled, probabilities, stages: top.map((id) => removals.stageOf(id)) };
            };
            const expected = draw(plain, new PlainLogits(values));
            const state = best.save();
            const found = await withEnough(
              logits,
              (from) => draw(best, from as PlainLogits),
              () => best.restore(state),
            );
            expect(found).toEqual(expected);
            expect(best.save()).toEqual(plain.save());
            history.push(found.sampled.id);
          }
        },
      ),
      { numRuns: process.env.TOKENSCOPE_TEST_FULL === '1' ? 1000 : 300 },
    );
  });
});

describe('settings', () => {
  const SIZE = 5000;
  const KNOWN = 256;
  /** Normally distributed logits with a few likely tokens, as a model gives. */
  const values = Float32Array.from({ length: SIZE }, (_, id) => {
    const [a, b] = [((id * 7919) % SIZE) + 1, ((id * 104_729) % SIZE) + 1];
    return 3 * Math.sqrt(-2 * Math.log(a / (SIZE + 1))) * Math.cos((2 * Math.PI * b) / (SIZE + 1));
  });
  const ranked = [...new PlainLogits(values).top(SIZE)];
  const [likely, unlikely] = [ranked[3], ranked[4000]];
  const history = [likely, unlikely, ranked[0], unlikely, likely, unlikely];
  const text = { size: SIZE, text: (id: number) => `${id}`, encode: () => [] };

  const reads = async (sampling: Partial<SamplingParams>, maskedIds: readonly number[] = []): Promise<boolean> => {
    const params = { ...defaultSamplingParams(), ...sampling };
    const options = { maskedIds, vocabulary: text };
    const [plain, best] = [0, 1].map(() => new SamplerChain(SIZE, params, 7, options));
    let read = false;
    const logits = bestOf(values, KNOWN, () => (read = true));
    const state = best.save();
    const sampled = await withEnough(
      logits,
      (from) => best.sample(from, history),
      () => best.restore(state),
    );
    expect(sampled).toEqual(plain.sample(values, history));
    return read;
  };

  it.each<[string, Partial<SamplingParams>, number[]?]>([
    ['the default ones', {}],
    ['greedy', { samplers: ['temperature'], temperature: 0 }],
    ['greedy with masked tokens', { samplers: ['temperature'], temperature: 0 }, ranked.slice(0, 20)],
    ['more masked tokens than are known', {}, ranked.slice(KNOWN, 900)],
    ['top-k', { samplers: ['top_k'], topK: 200 }],
    ['penalties', { repeatPenalty: 1.1, frequencyPenalty: 0.1, presencePenalty: 0.2 }],
    ['DRY', { dryMultiplier: 0.8, dryAllowedLength: 1 }],
    ['XTC', { xtcProbability: 1, xtcThreshold: 0.05 }],
    ['min-p', { samplers: ['min_p', 'temperature'], minP: 0.05 }],
    ['min-p behind the temperature', { samplers: ['temperature', 'min_p'], minP: 0.1, temperature: 1.5 }],
    ['dynamic temperature behind top-k', { dynatempRange: 0.3 }],
    ['a lower bias', { logitBias: [[unlikely, -3], [likely, -100]] }], // prettier-ignore
    ['a higher bias of a likely token', { logitBias: [[likely, 2]] }],
  ])('%s need the best logits only', async (_name, sampling, maskedIds) => {
    expect(await reads(sampling, maskedIds)).toBe(false);
  });

  it.each<[string, Partial<SamplingParams>]>([
    ['temperature alone', { samplers: ['temperature'] }],
    ['top-p first', { samplers: ['top_p'], topP: 0.9 }],
    ['typical', { samplers: ['typical'], typicalP: 0.9 }],
    ['top-n-sigma', { samplers: ['top_n_sigma'], topNSigma: 1 }],
    ['a large top-k', { samplers: ['top_k'], topK: KNOWN + 1 }],
    ['a low min-p', { samplers: ['min_p'], minP: 1e-9 }],
    ['a higher bias of an unlikely token', { logitBias: [[unlikely, 2]] }],
    ['a reward for repetition', { repeatPenalty: 0.9 }],
    ['mirostat', { mirostat: 2 }],
  ])('%s need all logits', async (_name, sampling) => {
    expect(await reads(sampling)).toBe(true);
  });
});
