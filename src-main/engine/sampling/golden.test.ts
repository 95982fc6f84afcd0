/**
 * Every sampler against llama.cpp's results (`fixtures/samplers`, made with llama.cpp 0c1e57098). Ids, order, counts and
 * drawn tokens must be equal. Logits may differ by 2e-7 relative, 2 units in the last place of a float32: llama.cpp's
 * build may fuse a multiplication and a subtraction into one rounding.
 */
import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../api/defaults.ts';
import { AdaptiveP } from './adaptive-p.ts';
import { Candidates } from './candidates.ts';
import { drawDiscrete } from './discrete.ts';
import { draw } from './dist.ts';
import { findBreakers } from './dry-breakers.ts';
import { applyDry } from './dry.ts';
import { applyDynamicTemperature } from './dynamic-temperature.ts';
import { applyLogitBias } from './logit-bias.ts';
import { applyMinP } from './min-p.ts';
import { Mirostat } from './mirostat.ts';
import { applyPenalties } from './penalties.ts';
import { Mt19937 } from './rng.ts';
import { SamplerChain } from './sampler-chain.ts';
import { applyTemperature } from './temperature.ts';
import { applyTopK } from './top-k.ts';
import { applyTopNSigma } from './top-n-sigma.ts';
import { applyTopP } from './top-p.ts';
import { applyTypical } from './typical.ts';
import { applyXtc } from './xtc.ts';
import {
  chainSampling,
  dryVocabulary,
  logitVectors as vectors,
  samplerFixture,
  type ChainGolden,
  type DryCase,
} from '../test-support/sampler-golden.ts';

const RELATIVE_TOLERANCE = 2e-7;

function candidatesOf(vector: readonly number[], inputIds?: readonly number[]): Candidates {
  const candidates = new Candidates(vector.length);
  candidates.reset(Float32Array.from(vector));
  if (inputIds) candidates.keep(Int32Array.from(inputIds));
  return candidates;
}

function expectLogit(actual: number, expected: number | null): void {
  if (expected === null) expect(actual).toBe(Number.NEGATIVE_INFINITY);
  else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(RELATIVE_TOLERANCE * Math.max(1, Math.abs(expected)));
}

interface GoldenCase {
  sampler: string;
  params: Record<string, number> & { bias?: [number, number | null][] };
  vector: string;
  input_ids?: number[];
  pre?: { sampler: string; params: GoldenCase['params'] }[];
  history?: number[];
  out: { n: number; sorted: boolean; ids: number[]; logits: (number | null)[] };
}

function apply(candidates: Candidates, sampler: string, params: GoldenCase['params'], history: number[]): void {
  switch (sampler) {
    case 'temp':
      return applyTemperature(candidates, params.temp);
    case 'temp_ext': {
      const { temp: temperature, delta: range, exponent } = params;
      return void applyDynamicTemperature(candidates, { temperature, range, exponent });
    }
    case 'top_k':
      return applyTopK(candidates, params.k);
    case 'top_p':
      return applyTopP(candidates, params.p, params.min_keep);
    case 'min_p':
      return applyMinP(candidates, params.p, params.min_keep);
    case 'typical':
      return applyTypical(candidates, params.p, params.min_keep);
    case 'top_n_sigma':
      return applyTopNSigma(candidates, params.n);
    case 'xtc': {
      const { probability, threshold, seed, min_keep: minKeep } = params;
      return void applyXtc(candidates, { probability, threshold }, new Mt19937(seed), minKeep);
    }
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

describe.each([
  ['truncation', 201],
  ['penalties_logit_bias', 34],
])('%s.json', (file, count) => {
  const { cases } = samplerFixture<{ cases: GoldenCase[] }>(file);

  it('runs completely', () => expect(cases).toHaveLength(count));

  it.each(cases.map((c) => [`${c.sampler} ${JSON.stringify(c.params)} on ${c.vector}`, c] as const))('%s', (_, c) => {
    const candidates = candidatesOf(vectors[c.vector], c.input_ids);
    for (const pre of c.pre ?? []) apply(candidates, pre.sampler, pre.params, []);
    apply(candidates, c.sampler, c.params, c.history ?? []);

    expect(candidates.length).toBe(c.out.n);
    expect(Array.from(candidates.ids.subarray(0, candidates.length))).toEqual(c.out.ids);
    if (file === 'truncation') expect(candidates.sorted).toBe(c.out.sorted);
    c.out.logits.forEach((expected, i) => expectLogit(candidates.logits[i], expected));
  });
});

const dryGolden = samplerFixture<{ cases: DryCase[] }>('dry');

describe('dry.json', () => {
  it('runs completely', () => expect(dryGolden.cases).toHaveLength(99));

  it.each(dryGolden.cases.map((c) => [`${c.history_name} ${JSON.stringify(c.params)}`, c] as const))('%s', (_, c) => {
    const before = Float32Array.from(vectors.normal320);
    const candidates = candidatesOf(vectors.normal320);
    const { multiplier, base, allowed_length: allowedLength, last_n: lastN } = c.params;
    const breakers = findBreakers(c.params.breakers, dryVocabulary);
    applyDry(candidates, { multiplier, base, allowedLength, lastN }, breakers, c.history);

    expect(candidates.length).toBe(c.out.n);
    const changed = Array.from(candidates.ids).filter((id, slot) => candidates.logits[slot] !== before[id]);
    expect(changed).toEqual(c.out.changed.map(([id]) => id));
    for (const [id, , after] of c.out.changed) expectLogit(candidates.logits[id], after);
  });
});

describe('mt19937.json', () => {
  interface Golden {
    raw_u32: number[];
    raw_u32_index_1000: number;
    uniform_double: number[];
    uniform_float: number[];
    'discrete_p_0.1_0.2_0.05_0.4_0.25': number[];
    raw_after_32_discrete_5way_and_2_discrete_1way: number;
  }
  const seeds = Object.entries(samplerFixture<{ seeds: Record<string, Golden> }>('mt19937').seeds);

  it.each(seeds)('seed %s', (seed, golden) => {
    const raw = new Mt19937(Number(seed));
    const outputs = Array.from({ length: 1001 }, () => raw.nextUint32());
    expect(outputs.slice(0, 16)).toEqual(golden.raw_u32);
    expect(outputs[1000]).toBe(golden.raw_u32_index_1000);
    const doubles = new Mt19937(Number(seed));
    expect(golden.uniform_double.map(() => doubles.nextDouble())).toEqual(golden.uniform_double);
    const floats = new Mt19937(Number(seed));
    expect(golden.uniform_float.map(() => floats.nextFloat())).toEqual(golden.uniform_float.map(Math.fround));
  });

  it.each(seeds)('discrete distribution with seed %s', (seed, golden) => {
    const rng = new Mt19937(Number(seed));
    const five = candidatesOf([0, 0, 0, 0, 0]);
    five.probabilities.set([0.1, 0.2, 0.05, 0.4, 0.25]);
    const expected = golden['discrete_p_0.1_0.2_0.05_0.4_0.25'];
    expect(expected.map(() => drawDiscrete(five, rng))).toEqual(expected);
    const one = candidatesOf([0]);
    expect([drawDiscrete(one, rng), drawDiscrete(one, rng)]).toEqual([0, 0]);
    expect(rng.nextUint32()).toBe(golden.raw_after_32_discrete_5way_and_2_discrete_1way);
  });
});

describe('stateful.json', () => {
  interface StatefulCase {
    sampler: string;
    params: Record<string, number>;
    vector?: string;
    chosen: number[];
    surviving_n: number[];
    steps: { vector: string; n: number; selected: number; id: number; p: number; mu_after: number }[];
  }
  const { cases } = samplerFixture<{ cases: StatefulCase[] }>('stateful');
  const casesOf = (...samplers: string[]) =>
    cases.filter((c) => samplers.includes(c.sampler)).map((c) => [c.sampler, JSON.stringify(c.params), c] as const);

  it('runs completely', () => {
    const run = casesOf('xtc', 'dist', 'mirostat', 'mirostat_v2', 'adaptive_p').length;
    expect([run, cases.length]).toEqual([46, 46]);
  });

  it.each(casesOf('dist'))('%s %s', (_, __, c) => {
    const rng = new Mt19937(c.params.seed);
    const chosen = c.chosen.map((___, i) => {
      const single = c.vector === undefined && i % 2 === 1;
      return draw(candidatesOf(single ? [1] : vectors[c.vector ?? 'normal320']), rng);
    });
    expect(chosen).toEqual(c.chosen);
  });

  it.each(casesOf('xtc'))('%s %s', (_, __, c) => {
    const { probability, threshold, seed, min_keep: minKeep } = c.params;
    const rng = new Mt19937(seed);
    const survivors = c.surviving_n.map(() => {
      const candidates = candidatesOf(vectors[c.vector!]);
      applyXtc(candidates, { probability, threshold }, rng, minKeep);
      return candidates.length;
    });
    expect(survivors).toEqual(c.surviving_n);
  });

  it.each(casesOf('mirostat', 'mirostat_v2'))('%s %s', (sampler, _, c) => {
    const { tau, eta, seed } = c.params;
    const version = sampler === 'mirostat' ? 1 : 2;
    const mirostat = new Mirostat({ version, tau, eta }, c.params.n_vocab ?? 0, seed);
    for (const step of c.steps) {
      const candidates = candidatesOf(vectors[step.vector]);
      mirostat.cut(candidates);
      const selected = mirostat.draw(candidates);
      expect([candidates.length, selected, candidates.ids[selected]]).toEqual([step.n, step.selected, step.id]);
      expect(candidates.probabilities[selected]).toBeCloseTo(step.p, 6);
      expect(Math.abs(mirostat.maxSurprisal - step.mu_after)).toBeLessThan(2e-6 * Math.max(1, Math.abs(step.mu_after)));
    }
  });

  it.each(casesOf('adaptive_p'))('%s %s', (_, __, c) => {
    const { target, decay, seed } = c.params;
    const adaptive = new AdaptiveP({ target, decay }, seed);
    for (const step of c.steps) {
      const candidates = candidatesOf(vectors[step.vector]);
      adaptive.transform(candidates);
      const selected = adaptive.draw(candidates);
      expect(candidates.ids[selected]).toBe(step.id);
      expect(candidates.probabilities[selected]).toBeCloseTo(step.p, 6);
    }
  });
});

describe('chain.json', () => {
  const golden = samplerFixture<ChainGolden>('chain');

  it('has seven parameter sets with three seeds each, the first of them our defaults', () => {
    expect(new Set(golden.cases.map(({ name }) => name)).size * 3).toBe(golden.cases.length);
    expect(golden.cases).toHaveLength(21);
    expect(chainSampling(golden.cases[0], golden.dry_sequence_breakers)).toEqual(defaultSamplingParams());
  });

  it.each(golden.cases.map((c) => [c.name, c.seed, c] as const))('%s with seed %i', (_, seed, c) => {
    const chain = new SamplerChain(320, chainSampling(c, golden.dry_sequence_breakers), seed, {
      vocabulary: dryVocabulary,
    });
    const history = [...c.accepted_before];
    c.chosen.forEach((expected, step) => {
      const sampled = chain.sample(Float32Array.from(golden.logit_vectors[step % 8]), history);
      expect(sampled.id).toBe(expected);
      // Greedy leaves the other candidates in llama.cpp's array, at -inf; they cannot be drawn.
      expect(sampled.survivors).toBe(c.params.temp <= 0 ? 1 : c.surviving_n[step]);
      expect(sampled.probability).toBeCloseTo(c.chosen_p[step], 6);
      history.push(sampled.id);
    });
  });
});
