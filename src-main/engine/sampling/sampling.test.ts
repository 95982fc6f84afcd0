import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../api/defaults.ts';
import { DEFAULT_SAMPLER_ORDER } from '../settings/sampling.ts';
import type { SamplingParams } from '../api/types.ts';
import { RawDistribution } from './raw-distribution.ts';
import { Mt19937 } from './rng.ts';
import { SamplerChain } from './sampler-chain.ts';
import { selectTop } from './select-top.ts';
import { recordStages } from './stage-reports.ts';

const { vectors } = JSON.parse(readFileSync(new URL('../fixtures/samplers/vectors.json', import.meta.url), 'utf8')) as {
  vectors: Record<string, number[]>;
};

describe('SamplerChain', () => {
  const logits = Float32Array.from(vectors.normal320);

  it('runs stages in the given order, twice when listed twice, and not at all when not listed', () => {
    const stagesOf = (samplers: ReturnType<typeof defaultSamplingParams>['samplers']) => {
      const recorder = recordStages(3);
      new SamplerChain(320, { ...defaultSamplingParams(), samplers, topK: 7 }, 1).sample(logits, [], recorder.observe);
      return recorder.stages.map(({ stage, survivors }) => [stage, survivors]);
    };
    expect(stagesOf(['temperature', 'top_k', 'temperature'])).toEqual([
      ['temperature', 320],
      ['top_k', 7],
      ['temperature', 7],
      ['dist', 1],
    ]);
    expect(stagesOf([])).toEqual([['dist', 1]]);
  });

  it('reports what every stage removed and left', () => {
    const recorder = recordStages(2);
    const params = { ...defaultSamplingParams(), logitBias: [[5, -100]] as [number, number][] };
    const chain = new SamplerChain(320, params, 1, { maskedIds: [0, 2] });
    const sampled = chain.sample(logits, [], recorder.observe);
    const stages = recorder.stages.map(({ stage }) => stage);
    expect(stages).toEqual(['mask', 'logit_bias', ...DEFAULT_SAMPLER_ORDER, 'dist']);
    expect(recorder.stages[0]).toMatchObject({ survivors: 318, removed: 2 });
    expect(recorder.stages.at(-1)!.top[0][0]).toBe(sampled.id);
    for (let i = 1; i < recorder.stages.length; i++) {
      expect(recorder.stages[i].removed).toBe(recorder.stages[i - 1].survivors - recorder.stages[i].survivors);
    }
  });

  it('reports which stages changed something, with the probabilities before and after', () => {
    const recorder = recordStages(3);
    const params = { ...defaultSamplingParams(), topK: 4, topP: 1, minP: 0, temperature: 0.5 };
    new SamplerChain(320, params, 1).sample(logits, [], recorder.observe);
    const changed = recorder.stages.filter((stage) => stage.changed).map(({ stage }) => stage);
    expect(changed).toEqual(['top_k', 'temperature', 'dist']);

    const raw = new RawDistribution(logits);
    const probabilityOf = (id: number) => Math.exp(raw.logprob(id));
    const best = raw.top(7).map(([id]) => id);
    const topK = recorder.stages.find(({ stage }) => stage === 'top_k')!;
    expect(topK.top.map(([id]) => id)).toEqual(best.slice(0, 3));
    expect(topK.topBefore).toEqual(best.slice(0, 3).map(probabilityOf));
    expect(topK.removedTop).toEqual(best.slice(4, 7).map((id) => [id, probabilityOf(id)]));
    const kept = best.slice(0, 4).reduce((sum, id) => sum + probabilityOf(id), 0);
    expect(topK.removedMass).toBeCloseTo(1 - kept, 9);
    expect(topK.top[0][1]).toBeCloseTo(probabilityOf(best[0]) / kept, 9);

    const { topBefore, top, removedTop, removedMass } = recorder.stages.at(-1)!;
    expect(topBefore[0]).toBeCloseTo(top[0][1], 6);
    expect(removedTop).toHaveLength(3);
    expect(removedMass).toBeCloseTo(1 - top[0][1], 6);
  });

  it.each([1, 2] as const)('runs mirostat %i after the temperature, in place of all other stages', (mirostat) => {
    const recorder = recordStages(2);
    const params = {
      ...defaultSamplingParams(),
      mirostat,
      repeatPenalty: 2,
      topK: 1,
      logitBias: [[5, -1]] as [number, number][],
    };
    const chain = new SamplerChain(320, params, 1, { maskedIds: [0, 2] });
    const sampled = chain.sample(logits, [1, 2], recorder.observe);
    expect(recorder.stages.map(({ stage }) => stage)).toEqual([
      'mask',
      'logit_bias',
      'temperature',
      'mirostat',
      'dist',
    ]);
    expect(sampled.survivors).toBeGreaterThan(1);
    expect(sampled.survivors).toBe(recorder.stages[3].survivors);
    expect(chain.sampledProbabilities([sampled.id])).toEqual([sampled.probability]);
  });

  it('gives every XTC stage its own random numbers with the same seed', () => {
    const params: SamplingParams = {
      ...defaultSamplingParams(),
      samplers: ['xtc', 'xtc'],
      xtcProbability: 0.5,
      xtcThreshold: 0.01,
    };
    const chain = new SamplerChain(320, params, 3);
    const acted = Array.from({ length: 40 }, () => {
      const recorder = recordStages(0);
      chain.sample(logits, [], recorder.observe);
      return recorder.stages.slice(0, 2).map(({ changed }) => changed);
    });
    expect(acted.every(([first, second]) => first === second)).toBe(true);
    expect(new Set(acted.map(([first]) => first))).toEqual(new Set([true, false]));
  });

  it('searches for repetition only since the last breaker', () => {
    const vocabulary = { size: 320, text: (id: number) => (id === 9 ? 'so:' : `<${id}>`), encode: () => [] };
    const params: SamplingParams = { ...defaultSamplingParams(), dryMultiplier: 50, temperature: 0 };
    const [best, second] = new RawDistribution(logits).top(2).map(([id]) => id);
    const next = (history: number[], change: Partial<SamplingParams> = {}) =>
      new SamplerChain(320, { ...params, ...change }, 1, { vocabulary }).sample(logits, history).id;
    const repeating = [30, 31, 32, best, 33, 30, 31, 32];
    expect(next(repeating)).toBe(second);
    expect(next(repeating, { dryMultiplier: 0 })).toBe(best);
    expect(next(repeating, { dryAllowedLength: 4 })).toBe(best);
    expect(next(repeating, { dryPenaltyLastN: 4 })).toBe(best);
    expect(next([...repeating.slice(0, 6), 9, 32])).toBe(best);
    const longAgo = [...repeating.slice(0, 4), ...Array.from({ length: 200 }, (_, i) => 100 + i), 30, 31, 32];
    expect(next(longAgo)).toBe(best);
    expect(next(longAgo, { dryPenaltyLastN: -1 })).toBe(second);
  });

  it('never draws a masked token, not even with a bias towards it', () => {
    const chain = new SamplerChain(320, { ...defaultSamplingParams(), logitBias: [[0, 1e6]] }, 1, { maskedIds: [0] });
    for (let i = 0; i < 50; i++) expect(chain.sample(logits, []).id).not.toBe(0);
    expect(chain.sampledProbabilities([0])).toEqual([null]);
  });

  it('reports the probabilities of all tokens that could be drawn', () => {
    const chain = new SamplerChain(320, { ...defaultSamplingParams(), topK: 5, topP: 1, minP: 0 }, 1);
    const sampled = chain.sample(logits, []);
    const all = chain.sampledProbabilities(Array.from(logits.keys())).filter((p) => p !== null);
    expect(all).toHaveLength(5);
    expect(all.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
    expect(chain.sampledProbabilities([sampled.id])[0]).toBe(sampled.probability);
  });

  it.each([1e-3, 1e-30, 1e-40, 1e-300])('is greedy at the temperature %f, where logits overflow', (temperature) => {
    const sampled = new SamplerChain(320, { ...defaultSamplingParams(), temperature }, 1).sample(logits, []);
    expect(sampled).toEqual({
      id: new RawDistribution(logits).top(1)[0][0],
      probability: 1,
      survivors: expect.any(Number),
    });
  });

  it.each([
    [0.01, 1e7],
    [100, -1e7],
  ])('keeps every candidate when a repeat penalty of %f overflows after a low temperature', (repeatPenalty, logit) => {
    const params: SamplingParams = {
      ...{ ...defaultSamplingParams(), temperature: 1e-30, repeatPenalty, penaltyLastN: -1 },
      samplers: ['temperature', 'penalties'],
    };
    const history = Array.from(logits.keys());
    const sampled = new SamplerChain(320, params, 1).sample(new Float32Array(320).fill(logit), history);
    expect(sampled.survivors).toBe(320);
    expect(sampled.probability).toBeCloseTo(1 / 320, 6);
  });

  it('does not change the raw logits', () => {
    const before = Float32Array.from(logits);
    new SamplerChain(320, defaultSamplingParams(), 1, { maskedIds: [1] }).sample(logits, [3, 4]);
    expect(logits).toEqual(before);
  });

  it('reports that the settings rule out every token', () => {
    const all = Array.from(logits.keys());
    const chain = new SamplerChain(320, defaultSamplingParams(), 1, { maskedIds: all });
    expect(() => chain.sample(logits, [])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });

  it('uses the whole history with penaltyLastN -1', () => {
    const params = { ...defaultSamplingParams(), temperature: 0, presencePenalty: 100, penaltyLastN: -1 };
    const best = new RawDistribution(logits).top(2).map(([id]) => id);
    const history = [best[0], ...Array.from({ length: 500 }, () => 200)];
    expect(new SamplerChain(320, params, 1).sample(logits, history).id).toBe(best[1]);
    expect(new SamplerChain(320, { ...params, penaltyLastN: 64 }, 1).sample(logits, history).id).toBe(best[0]);
  });
});

describe('selectTop', () => {
  const reference = (values: Float32Array, k: number) =>
    Array.from(values.keys())
      .sort((a, b) => values[b] - values[a] || a - b)
      .slice(0, k);

  it.each([0, 1, 3, 40, 256, 1000, 5000])('finds the %i best of 5000 with many ties, signs and infinities', (k) => {
    const rng = new Mt19937(7);
    const special = [Number.NEGATIVE_INFINITY, 0, -0, 1e-40, -1e-40, 3.4e38, -3.4e38];
    const values = Float32Array.from({ length: 5000 }, (_, i) =>
      i % 11 === 0 ? special[rng.nextUint32() % special.length] : (rng.nextUint32() % 200) / 8 - 12,
    );
    // -Infinity - -Infinity is NaN, which the comparison of the reference treats as a tie as well.
    expect(Array.from(selectTop(values, values.length, k))).toEqual(reference(values, k));
  });

  it('handles ascending input, the worst case', () => {
    const values = Float32Array.from({ length: 20_000 }, (_, i) => i);
    expect(Array.from(selectTop(values, 20_000, 3))).toEqual([19_999, 19_998, 19_997]);
  });
});

describe('RawDistribution', () => {
  it('has probabilities that sum to one, and ranks that agree with top', () => {
    const distribution = new RawDistribution(Float32Array.from(vectors.heavy2000));
    const top = distribution.top(2000);
    expect(top.reduce((sum, [, logprob]) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 9);
    for (const place of [0, 1, 17, 1999]) expect(distribution.rank(top[place][0])).toBe(place + 1);
  });

  it('refuses NaN logits', () => {
    const broken = () => new RawDistribution(Float32Array.from([1, Number.NaN, 2]));
    expect(broken).toThrow(expect.objectContaining({ code: 'INTERNAL', details: { index: 1 } }));
  });
});
