/** What is reported about a chain, against llama.cpp's results (`fixtures/samplers`). */
import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../api/defaults.ts';
import type { SamplerName, SamplingParams } from '../api/types.ts';
import { SamplerChain } from './sampler-chain.ts';
import { recordStages } from './stage-reports.ts';
import {
  chainSampling,
  dryVocabulary,
  logitVectors as vectors,
  samplerFixture,
  type ChainGolden,
  type DryCase,
} from '../test-support/sampler-golden.ts';

/** As in golden.test.ts: 2 units in the last place of a float32. */
const LOGIT_TOLERANCE = 2e-7;
/** Of `exp` of a logit that is off by that much. */
const PROBABILITY_TOLERANCE = 5e-6;
/** `DrawReport.line` is computed in double precision from the same float32 terms as the draw, in the same order. */
const LINE_TOLERANCE = 1e-12;

interface GoldenCase {
  sampler: string;
  params: Record<string, number> & { bias?: [number, number | null][] };
  vector: string;
  history?: number[];
  input_ids?: number[];
  pre?: unknown[];
  out: { ids: number[]; logits: (number | null)[] };
}

/** The settings of a golden case, for a chain of this stage alone; a bias is applied before all stages. */
function settingsOf({ sampler, params }: GoldenCase): [SamplerName | 'logit_bias', Partial<SamplingParams>] {
  switch (sampler) {
    case 'temp':
      return ['temperature', { temperature: params.temp }];
    case 'temp_ext':
      return [
        'temperature',
        { temperature: params.temp, dynatempRange: params.delta, dynatempExponent: params.exponent },
      ];
    case 'top_k':
      return ['top_k', { topK: params.k }];
    case 'top_p':
      return ['top_p', { topP: params.p, minKeep: params.min_keep }];
    case 'min_p':
      return ['min_p', { minP: params.p, minKeep: params.min_keep }];
    case 'typical':
      return ['typical', { typicalP: params.p, minKeep: params.min_keep }];
    case 'top_n_sigma':
      return ['top_n_sigma', { topNSigma: params.n }];
    case 'xtc': {
      const { probability: xtcProbability, threshold: xtcThreshold, min_keep: minKeep } = params;
      return ['xtc', { xtcProbability, xtcThreshold, minKeep }];
    }
    case 'penalties': {
      const { last_n: penaltyLastN, repeat: repeatPenalty, freq: frequencyPenalty, present: presencePenalty } = params;
      return ['penalties', { penaltyLastN, repeatPenalty, frequencyPenalty, presencePenalty }];
    }
    case 'logit_bias':
      return [
        'logit_bias',
        { logitBias: (params.bias ?? []).map(([id, bias]) => [id, bias ?? Number.NEGATIVE_INFINITY]) },
      ];
    default:
      throw new Error(`no sampler ${sampler}`);
  }
}

describe('the candidates after one stage', () => {
  const cases = ['truncation', 'penalties_logit_bias']
    .flatMap((file) => samplerFixture<{ cases: GoldenCase[] }>(file).cases)
    // A chain has all candidates in the order of their ids, and no stage without a bias. Its last_n of -1 is the whole
    // history, where llama.cpp's sampler is given the number.
    .filter((golden) => golden.input_ids === undefined && golden.pre === undefined)
    .filter(({ params }) => params.bias?.length !== 0 && params.last_n !== -1)
    .map((golden) => ({ golden, settings: settingsOf(golden) }));

  it('covers every sampler of these files, with more than 20 settings', () => {
    expect(new Set(cases.map(({ settings: [name] }) => name)).size).toBe(9);
    expect(cases.length).toBeGreaterThan(150);
    expect(new Set(cases.map(({ settings }) => JSON.stringify(settings))).size).toBeGreaterThan(70);
  });

  it.each(
    cases.map(
      ({ golden, settings }) =>
        [`${golden.sampler} ${JSON.stringify(golden.params)} on ${golden.vector}`, golden, settings] as const,
    ),
  )('%s', (_, { vector, out, history = [], params: { seed = 1 } }, [name, settings]) => {
    const logits = vectors[vector];
    const recorder = recordStages(5, true);
    const params = { ...defaultSamplingParams(), samplers: name === 'logit_bias' ? [] : [name], ...settings };
    new SamplerChain(logits.length, params, seed).sample(Float32Array.from(logits), history, recorder.observe);
    const expected = new Map(
      out.ids.flatMap((id, i) => (out.logits[i] === null ? [] : [[id, out.logits[i]] as const])),
    );
    const highest = Math.max(...expected.values());
    const total = [...expected.values()].reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
    // One assertion for all of them: there are thousands.
    const wrong = logits.flatMap((__, id) => {
      const [after] = recorder.after(id);
      const logit = expected.get(id);
      if (logit === undefined || after === null)
        return logit === undefined && after === null ? [] : [{ id, after, logit }];
      const isNear =
        Math.abs(after.logit - logit) <= LOGIT_TOLERANCE * Math.max(1, Math.abs(logit)) &&
        Math.abs(after.probability - Math.exp(logit - highest) / total) < PROBABILITY_TOLERANCE;
      return isNear ? [] : [{ id, after, logit }];
    });
    expect(wrong).toEqual([]);
    const [report] = recorder.stages;
    expect(report).toMatchObject({ survivors: expected.size, removed: logits.length - expected.size });
    for (const [id] of report.removedTop) expect(expected.has(id)).toBe(false);
  });
});

describe('the scores after DRY', () => {
  // In a chain, -1 is the whole history; llama.cpp's sampler is given the number instead.
  const cases = samplerFixture<{ cases: DryCase[] }>('dry').cases.filter(({ params }) => params.last_n >= 0);

  it.each(cases.map((c) => [`${c.history_name} ${JSON.stringify(c.params)}`, c] as const))('%s', (_, c) => {
    const { multiplier, base, allowed_length: dryAllowedLength, last_n: dryPenaltyLastN, breakers } = c.params;
    const settings = { dryMultiplier: multiplier, dryBase: base, dryAllowedLength, dryPenaltyLastN };
    const params: SamplingParams = {
      ...defaultSamplingParams(),
      ...settings,
      samplers: ['dry'],
      drySequenceBreakers: breakers,
    };
    const recorder = recordStages(5, true);
    const chain = new SamplerChain(320, params, 1, { vocabulary: dryVocabulary });
    chain.sample(Float32Array.from(vectors.normal320), c.history, recorder.observe);
    const changed = new Map(c.out.changed.map(([id, , logit]) => [id, logit]));
    const wrong = vectors.normal320.flatMap((before, id) => {
      const [after] = recorder.after(id);
      const logit = changed.get(id) ?? before;
      const isNear = Math.abs(after!.logit - logit) <= LOGIT_TOLERANCE * Math.max(1, Math.abs(logit));
      return isNear ? [] : [{ id, after, logit }];
    });
    expect(wrong).toEqual([]);
    expect(recorder.stages[0]).toMatchObject({ stage: 'dry', survivors: c.out.n, changed: changed.size > 0 });
  });
});

describe('a whole chain', () => {
  const golden = samplerFixture<ChainGolden>('chain');

  it('is compared with 21 settings and seeds', () => expect(golden.cases).toHaveLength(21));

  it.each(golden.cases.map((c) => [c.name, c.seed, c] as const))('%s with seed %i', (_, seed, c) => {
    const params = chainSampling(c, golden.dry_sequence_breakers);
    const chain = new SamplerChain(320, params, seed, { vocabulary: dryVocabulary });
    const history = [...c.accepted_before];
    c.chosen.forEach((id, step) => {
      const recorder = recordStages(5, true);
      chain.sample(Float32Array.from(golden.logit_vectors[step % 8]), history, recorder.observe);
      const last = recorder.stages.filter(({ stage }) => stage !== 'dist').at(-1)!;
      // Greedy leaves the other candidates in llama.cpp's array, at -inf.
      expect(last.survivors).toBe(c.params.temp <= 0 ? 1 : c.surviving_n[step]);
      expect(recorder.after(id).at(-1)!.probability).toBeCloseTo(c.chosen_p[step], 6);
      // llama.cpp's token is where the random number points.
      const { random, line } = recorder.draw!;
      const [, from, to] = line.find(([listed]) => listed === id)!;
      expect(from).toBeLessThan(random! + LINE_TOLERANCE);
      expect(to).toBeGreaterThanOrEqual(random! - LINE_TOLERANCE);
      expect(to - from).toBeCloseTo(c.chosen_p[step], 6);
      history.push(id);
    });
  });
});

describe('the draw', () => {
  const { seeds } = samplerFixture<{ seeds: Record<string, { uniform_double: number[] }> }>('mt19937');

  it.each(Object.entries(seeds))(
    'has the random numbers of seed %s, on the line of the drawn token',
    (seed, golden) => {
      const chain = new SamplerChain(320, { ...defaultSamplingParams(), topP: 1, minP: 0 }, Number(seed));
      const other = new SamplerChain(320, { ...defaultSamplingParams(), topP: 1, minP: 0 }, Number(seed));
      for (const expected of golden.uniform_double) {
        const recorder = recordStages(5, true);
        const { id } = chain.sample(Float32Array.from(vectors.normal320), [], recorder.observe);
        // Reporting changes nothing.
        expect(other.sample(Float32Array.from(vectors.normal320), []).id).toBe(id);
        expect(recorder.draw?.random).toBe(expected);
        const [, from, to] = recorder.draw!.line.find(([listed]) => listed === id)!;
        expect(from).toBeLessThan(expected + LINE_TOLERANCE);
        expect(to).toBeGreaterThanOrEqual(expected - LINE_TOLERANCE);
      }
    },
  );

  it('lists survivors in the order of the chain, from 0 to 1, without gaps if all are listed', () => {
    const recorder = recordStages(40, true);
    const chain = new SamplerChain(320, defaultSamplingParams(), 7);
    const { survivors } = chain.sample(Float32Array.from(vectors.normal320), [], recorder.observe);
    const { line } = recorder.draw!;
    expect(line).toHaveLength(survivors);
    expect(line[0][1]).toBe(0);
    expect(line.at(-1)![2]).toBe(1);
    line.slice(1).forEach(([, from], i) => expect(from).toBe(line[i][2]));
    const temperature = recorder.stages.find(({ stage }) => stage === 'temperature')!;
    for (const [i, [id, probability]] of temperature.top.entries()) {
      expect(line[i][0]).toBe(id);
      expect(line[i][2] - line[i][1]).toBeCloseTo(probability, 6);
    }
  });

  it('needs no random number where mirostat leaves one candidate', () => {
    const recorder = recordStages(3, true);
    const params = { ...defaultSamplingParams(), mirostat: 2 as const, mirostatTau: 0 };
    new SamplerChain(320, params, 1).sample(Float32Array.from(vectors.normal320), [], recorder.observe);
    expect(recorder.draw).toMatchObject({ random: null, line: [[expect.any(Number), 0, 1]] });
  });
});

describe('what a stage found out', () => {
  function findings(settings: Partial<SamplingParams>, tokens = 1): unknown[] {
    const chain = new SamplerChain(320, { ...defaultSamplingParams(), ...settings }, 1);
    return Array.from({ length: tokens }, () => {
      const recorder = recordStages(1);
      chain.sample(Float32Array.from(vectors.normal320), [], recorder.observe);
      return recorder.stages.flatMap((report) => ('findings' in report ? [report.findings] : []));
    });
  }

  it('is nothing for most', () => expect(findings({})).toEqual([[]]));

  it('is the temperature if it is dynamic', () => {
    const [[found]] = findings({ dynatempRange: 0.5 }) as [[{ temperature: number }]];
    expect(found.temperature).toBeGreaterThan(0.3);
    expect(found.temperature).toBeLessThan(1.3);
  });

  it('is the random number of XTC, whether it acts or not', () => {
    const { seeds } = samplerFixture<{ seeds: Record<string, { uniform_float: number[] }> }>('mt19937');
    const expected = seeds['1'].uniform_float.slice(0, 3).map((random) => [{ random: Math.fround(random) }]);
    expect(findings({ xtcProbability: 0.5, topP: 1, minP: 0 }, 3)).toEqual(expected);
  });

  it('is the threshold of mirostat, which adapts', () => {
    const [[first], [second]] = findings({ mirostat: 2, mirostatTau: 3 }, 2) as { maxSurprisal: number }[][];
    expect(first.maxSurprisal).toBe(6);
    expect(second.maxSurprisal).not.toBe(6);
  });
});

describe('following tokens instead of drawing them', () => {
  const settings: Partial<SamplingParams>[] = [
    {},
    { xtcProbability: 0.5, xtcThreshold: 0.05 },
    { mirostat: 1 },
    { mirostat: 2, mirostatTau: 2 },
    { adaptiveTarget: 0.2 },
    { repeatPenalty: 1.3, dynatempRange: 0.4 },
  ];

  it.each(settings)('leads to the same state: %o', (change) => {
    const params = { ...defaultSamplingParams(), ...change };
    const drawing = new SamplerChain(320, params, 11);
    const following = new SamplerChain(320, params, 11);
    const history: number[] = [];
    for (let i = 0; i < 24; i++) {
      const logits = Float32Array.from(vectors.normal320, (logit, id) => logit + ((id * (i + 3)) % 7) / 5);
      const { id } = drawing.sample(logits, history);
      following.follow(id, following.followsLogits ? logits : null, history);
      history.push(id);
      expect(following.save()).toEqual(drawing.save());
    }
  });

  it('knows what to do with tokens that it would not have drawn', () => {
    const adapting = { ...defaultSamplingParams(), adaptiveTarget: 0.2, topK: 1 };
    for (const params of [{ ...defaultSamplingParams(), mirostat: 2 as const, mirostatTau: 0.1 }, adapting]) {
      const chain = new SamplerChain(320, params, 11);
      const worst = vectors.normal320.indexOf(Math.min(...vectors.normal320));
      for (let i = 0; i < 5; i++) chain.follow(worst, Float32Array.from(vectors.normal320), []);
      expect(chain.sample(Float32Array.from(vectors.normal320), []).probability).toBeGreaterThan(0);
    }
  });
});
