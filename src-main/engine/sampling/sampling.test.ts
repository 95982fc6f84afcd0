/**
 * Every sampler against what llama.cpp itself computed (`fixtures/samplers`, made with llama.cpp 0c1e57098).
 * Ids, order, counts and drawn tokens must be equal. Logits may differ by 2e-7 relative, 2 units in the last place of
 * a float32: llama.cpp's build may fuse a multiplication and a subtraction into one rounding.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../defaults.ts';
import { Candidates } from './candidates.ts';
import { draw } from './dist.ts';
import { applyLogitBias } from './logit-bias.ts';
import { applyMinP } from './min-p.ts';
import { applyPenalties } from './penalties.ts';
import { RawDistribution } from './raw-distribution.ts';
import { Mt19937 } from './rng.ts';
import { SamplerChain } from './sampler-chain.ts';
import { selectTop } from './select-top.ts';
import { recordStages } from './stage-reports.ts';
import { applyTemperature } from './temperature.ts';
import { applyTopK } from './top-k.ts';
import { applyTopP } from './top-p.ts';

const RELATIVE_TOLERANCE = 2e-7;

interface GoldenCase {
  sampler: string;
  params: Record<string, number> & { bias?: [number, number | null][] };
  vector: string;
  input_ids?: number[];
  pre?: { sampler: string; params: GoldenCase['params'] }[];
  history?: number[];
  out: { n: number; sorted: boolean; ids: number[]; logits: (number | null)[] };
}

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/samplers/${name}.json`, import.meta.url), 'utf8')) as T;
}

const vectors = fixture<{ vectors: Record<string, number[]> }>('vectors').vectors;

function candidatesOf(vector: readonly number[], inputIds?: readonly number[]): Candidates {
  const candidates = new Candidates(vector.length);
  candidates.reset(Float32Array.from(vector));
  if (inputIds) candidates.keep(Int32Array.from(inputIds));
  return candidates;
}

function apply(candidates: Candidates, sampler: string, params: GoldenCase['params'], history: number[]): void {
  switch (sampler) {
    case 'temp':
      return applyTemperature(candidates, params.temp);
    case 'top_k':
      return applyTopK(candidates, params.k);
    case 'top_p':
      return applyTopP(candidates, params.p, params.min_keep);
    case 'min_p':
      return applyMinP(candidates, params.p, params.min_keep);
    case 'penalties': {
      const { last_n: lastN, repeat, freq: frequency, present: presence } = params;
      return applyPenalties(candidates, { lastN, repeat, frequency, presence }, history);
    }
    case 'logit_bias':
      return applyLogitBias(
        candidates,
        (params.bias ?? []).map(([id, bias]) => [id, bias ?? Number.NEGATIVE_INFINITY]),
      );
    default:
      throw new Error(`no sampler ${sampler}`);
  }
}

const BUILT = new Set(['temp', 'top_k', 'top_p', 'min_p', 'penalties', 'logit_bias']);

function goldenCases(file: string): GoldenCase[] {
  return fixture<{ cases: GoldenCase[] }>(file).cases.filter((c) =>
    [c, ...(c.pre ?? [])].every(({ sampler }) => BUILT.has(sampler)),
  );
}

describe.each(['truncation', 'penalties_logit_bias'])('%s.json', (file) => {
  it.each(goldenCases(file).map((c) => [`${c.sampler} ${JSON.stringify(c.params)} on ${c.vector}`, c] as const))(
    '%s',
    (_, c) => {
      const candidates = candidatesOf(vectors[c.vector], c.input_ids);
      for (const pre of c.pre ?? []) apply(candidates, pre.sampler, pre.params, []);
      apply(candidates, c.sampler, c.params, c.history ?? []);

      expect(candidates.length).toBe(c.out.n);
      expect(Array.from(candidates.ids.subarray(0, candidates.length))).toEqual(c.out.ids);
      if (file === 'truncation') expect(candidates.sorted).toBe(c.out.sorted);
      c.out.logits.forEach((expected, i) => {
        const actual = candidates.logits[i];
        if (expected === null) expect(actual).toBe(Number.NEGATIVE_INFINITY);
        else
          expect(Math.abs(actual - expected)).toBeLessThanOrEqual(RELATIVE_TOLERANCE * Math.max(1, Math.abs(expected)));
      });
    },
  );
});

describe('mt19937.json', () => {
  interface Golden {
    raw_u32: number[];
    raw_u32_index_1000: number;
    uniform_double: number[];
  }
  it.each(Object.entries(fixture<{ seeds: Record<string, Golden> }>('mt19937').seeds))('seed %s', (seed, golden) => {
    const raw = new Mt19937(Number(seed));
    const outputs = Array.from({ length: 1001 }, () => raw.nextUint32());
    expect(outputs.slice(0, 16)).toEqual(golden.raw_u32);
    expect(outputs[1000]).toBe(golden.raw_u32_index_1000);
    const doubles = new Mt19937(Number(seed));
    expect(golden.uniform_double.map(() => doubles.nextDouble())).toEqual(golden.uniform_double);
  });
});

describe('stateful.json', () => {
  interface DistCase {
    sampler: string;
    params: { seed: number };
    vector?: string;
    chosen: number[];
  }
  const cases = fixture<{ cases: DistCase[] }>('stateful').cases.filter((c) => c.sampler === 'dist');
  it.each(cases.map((c) => [c.params.seed, c.vector ?? 'normal320 and a single candidate in turn', c] as const))(
    'dist with seed %i on %s',
    (seed, _, c) => {
      const rng = new Mt19937(seed);
      const chosen = c.chosen.map((__, i) => {
        const single = c.vector === undefined && i % 2 === 1;
        return draw(candidatesOf(single ? [1] : vectors[c.vector ?? 'normal320']), rng);
      });
      expect(chosen).toEqual(c.chosen);
    },
  );
});

describe('chain.json', () => {
  interface ChainCase {
    name: string;
    seed: number;
    params: Record<string, number>;
    accepted_before: number[];
    sampler_names: string[];
    chosen: number[];
    surviving_n: number[];
    chosen_p: number[];
  }
  const golden = fixture<{ logit_vectors: number[][]; cases: ChainCase[] }>('chain');
  const built = new Set(['penalties', 'top-k', 'top-p', 'min-p', 'temp-ext', 'dist']);
  const cases = golden.cases.filter(
    (c) => c.params.dynatemp_range === 0 && c.sampler_names.every((name) => name.startsWith('?') || built.has(name)),
  );

  it('has four parameter sets with the samplers built here, with three seeds each', () => {
    expect(cases.map((c) => `${c.name} ${c.seed}`)).toEqual(
      ['defaults', 'temp_1.5_only', 'greedy', 'min_keep_3'].flatMap((name) => [0, 1, 42].map((s) => `${name} ${s}`)),
    );
  });

  it.each(cases.map((c) => [c.name, c.seed, c] as const))('%s with seed %i', (_, seed, c) => {
    const p = c.params;
    const chain = new SamplerChain(
      320,
      {
        ...defaultSamplingParams(),
        temperature: p.temp,
        topK: p.top_k,
        topP: p.top_p,
        minP: p.min_p,
        repeatPenalty: p.penalty_repeat,
        frequencyPenalty: p.penalty_freq,
        presencePenalty: p.penalty_present,
        penaltyLastN: p.penalty_last_n,
      },
      seed,
      { minKeep: p.min_keep },
    );
    const history = [...c.accepted_before];
    c.chosen.forEach((expected, step) => {
      const sampled = chain.sample(Float32Array.from(golden.logit_vectors[step % 8]), history);
      expect(sampled.id).toBe(expected);
      // Greedy leaves the other candidates in llama.cpp's array, at -inf; they cannot be drawn.
      expect(sampled.survivors).toBe(p.temp <= 0 ? 1 : c.surviving_n[step]);
      expect(sampled.probability).toBeCloseTo(c.chosen_p[step], 6);
      history.push(sampled.id);
    });
  });
});

describe('SamplerChain', () => {
  const logits = Float32Array.from(vectors.normal320);

  it('runs stages in the order given, twice when listed twice, and not at all when left out', () => {
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
    expect(recorder.stages.map((s) => s.stage)).toEqual([
      'mask',
      'logit_bias',
      'penalties',
      'top_k',
      'top_p',
      'min_p',
      'temperature',
      'dist',
    ]);
    expect(recorder.stages[0]).toMatchObject({ survivors: 318, removed: 2 });
    expect(recorder.stages.at(-1)!.top[0][0]).toBe(sampled.id);
    for (let i = 1; i < recorder.stages.length; i++) {
      expect(recorder.stages[i].removed).toBe(recorder.stages[i - 1].survivors - recorder.stages[i].survivors);
    }
  });

  it('never draws a masked token, not even with a bias towards it', () => {
    const chain = new SamplerChain(320, { ...defaultSamplingParams(), logitBias: [[0, 1e6]] }, 1, { maskedIds: [0] });
    for (let i = 0; i < 50; i++) expect(chain.sample(logits, []).id).not.toBe(0);
    expect(chain.sampledProbabilities([0])).toEqual([null]);
  });

  it('gives the probabilities with which tokens could have been drawn', () => {
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

  it('leaves the raw logits as they are', () => {
    const before = Float32Array.from(logits);
    new SamplerChain(320, defaultSamplingParams(), 1, { maskedIds: [1] }).sample(logits, [3, 4]);
    expect(logits).toEqual(before);
  });

  it('says so when the settings rule out every token', () => {
    const all = Array.from(logits.keys());
    const chain = new SamplerChain(320, defaultSamplingParams(), 1, { maskedIds: all });
    expect(() => chain.sample(logits, [])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });

  it('looks back over the whole history with penaltyLastN -1', () => {
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

  it('takes ascending input, the worst case', () => {
    const values = Float32Array.from({ length: 20_000 }, (_, i) => i);
    expect(Array.from(selectTop(values, 20_000, 3))).toEqual([19_999, 19_998, 19_997]);
  });
});

describe('RawDistribution', () => {
  it('gives log-probabilities that sum to one, and ranks that agree with top', () => {
    const distribution = new RawDistribution(Float32Array.from(vectors.heavy2000));
    const top = distribution.top(2000);
    expect(top.reduce((sum, [, logprob]) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 9);
    for (const place of [0, 1, 17, 1999]) expect(distribution.rank(top[place][0])).toBe(place + 1);
  });

  it('refuses logits that are not numbers', () => {
    const broken = () => new RawDistribution(Float32Array.from([1, Number.NaN, 2]));
    expect(broken).toThrow(expect.objectContaining({ code: 'INTERNAL', details: { index: 1 } }));
  });
});
