/** Draws that are explained later equal those of the reply, and "what if" equals a reply with those settings. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { GenerateParams, PreviewParams, SamplerName, SamplingParams } from '../api/types.ts';
import type { InferenceEngine } from '../index.ts';
import { DEFAULT_SAMPLER_ORDER } from '../settings/sampling.ts';
import { kernelPlatform, reply, tinyEngine } from '../test-support/tiny-engine.ts';

const RUNS = process.env.TOKENSCOPE_TEST_FULL === '1' ? 400 : 20;
const TOKENS = 16;

let engine: InferenceEngine;
beforeAll(async () => {
  engine = await tinyEngine(kernelPlatform());
});

const prompts = fc.constantFrom('Hello world', 'Once upon a time', 'The cat sat on the', 'Lily found a small door.');

const sampling: fc.Arbitrary<Partial<SamplingParams>> = fc.record(
  {
    temperature: fc.constantFrom(0, 0.3, 0.7, 1, 1.5, 3),
    topK: fc.constantFrom(0, 1, 3, 40, 500),
    topP: fc.constantFrom(0.1, 0.5, 0.9, 1),
    minP: fc.constantFrom(0, 0.02, 0.1, 0.6),
    typicalP: fc.constantFrom(0.2, 0.7, 1),
    topNSigma: fc.constantFrom(-1, 0.7, 2),
    xtcProbability: fc.constantFrom(0, 0.5, 1),
    xtcThreshold: fc.constantFrom(0.05, 0.2),
    repeatPenalty: fc.constantFrom(1, 1.1, 1.6),
    presencePenalty: fc.constantFrom(0, 0.5),
    dryMultiplier: fc.constantFrom(0, 0.8),
    dynatempRange: fc.constantFrom(0, 0.5),
    minKeep: fc.constantFrom(0, 3),
    mirostat: fc.constantFrom<0 | 1 | 2>(0, 0, 0, 1, 2),
    mirostatTau: fc.constantFrom(1, 3, 5),
    adaptiveTarget: fc.constantFrom(-1, -1, -1, 0.3),
    samplers: fc.oneof(
      fc.constant<SamplerName[]>([...DEFAULT_SAMPLER_ORDER]),
      fc.array(fc.constantFrom(...DEFAULT_SAMPLER_ORDER), { maxLength: 12 }),
    ),
    logitBias: fc.constantFrom<[number, number][]>([], [[5, 8]]),
    textBias: fc.constantFrom<[string, number][]>([], [['little', 4]]),
    grammar: fc.constantFrom<SamplingParams['grammar']>(null, null, null, {
      kind: 'gbnf',
      source: 'root ::= [a-z ,.]+ "."',
    }),
  },
  { requiredKeys: [] },
);

function request(text: string, seed: number, change: Partial<SamplingParams>, maxTokens = TOKENS): GenerateParams {
  const params = defaultGenerateParams({ kind: 'text', text });
  return {
    ...params,
    sampling: { ...params.sampling, ...change, seed },
    stop: { ...params.stop, maxTokens, repetitionWindow: 0 },
    topCandidates: 5,
  };
}

/** What a reply drew, with the token that ended it. */
async function drawn(params: GenerateParams) {
  const { tokens, end, start } = await reply(engine, params);
  expect(end.stop.reason).not.toBe('error');
  const last = end.stop.reason === 'eos' && end.stop.token !== null ? [end.stop.token.id] : [];
  return { ids: [...end.ids, ...last], tokens, promptIds: start.promptIds };
}

async function explained(params: Omit<PreviewParams, 'topCandidates'>, before: readonly number[]) {
  const { prompt, sampling: settings, stop, continues } = params;
  const more = continues === undefined ? {} : { continues };
  const { draw, survivors, candidates } = await engine.preview({
    ...{ prompt, sampling: settings, stop, ...more },
    topCandidates: 5,
    reply: [...before],
  });
  if (draw === null) throw new Error('There is no draw.');
  return { ...draw, survivors, candidates };
}

it('a token of a reply is drawn again, whatever the settings', async () => {
  await fc.assert(
    fc.asyncProperty(prompts, fc.nat(1000), sampling, fc.nat(TOKENS), async (text, seed, change, at) => {
      const params = request(text, seed, change);
      const run = await drawn(params);
      const index = Math.min(at, run.ids.length - 1);
      fc.pre(index >= 0);
      const draw = await explained(params, run.ids.slice(0, index));
      expect(draw.id).toBe(run.ids[index]);
      const token = run.tokens.at(index);
      if (token === undefined) return;
      expect(draw.probability).toBe(token.sampledProbability);
      expect(draw.survivors).toBe(token.survivors);
      expect(draw.candidates).toEqual(token.candidates);
      const place = draw.line.find(({ id }) => id === draw.id)!;
      // The chain of mirostat and adaptive-p rounds probabilities to float32 before the draw.
      if (draw.random !== null) expect(draw.random).toBeGreaterThan(place.from - 1e-6);
      if (draw.random !== null) expect(draw.random).toBeLessThanOrEqual(place.to + 1e-6);
      // The same with the prompt as ids.
      const ids = { ...params, prompt: { kind: 'ids', ids: run.promptIds } as const };
      expect(await explained(ids, run.ids.slice(0, index))).toEqual(draw);
    }),
    { numRuns: RUNS },
  );
});

it('other settings draw what a reply with them has at that position', async () => {
  let differing = 0;
  await fc.assert(
    fc.asyncProperty(prompts, fc.nat(1000), sampling, sampling, async (text, seed, change, what) => {
      const real = await drawn(request(text, seed, change));
      const if_ = request(text, seed, what);
      const other = await drawn(if_);
      // Up to the first difference, both have the same tokens before.
      const shared = real.ids.findIndex((id, i) => id !== other.ids[i]);
      if (shared !== -1 && shared < other.ids.length) differing++;
      const index = Math.min(shared === -1 ? real.ids.length - 1 : shared, other.ids.length - 1);
      fc.pre(index >= 0);
      const draw = await explained(if_, real.ids.slice(0, index));
      expect(draw.id).toBe(other.ids[index]);
    }),
    { numRuns: RUNS },
  );
  // Not only the same draw twice.
  expect(differing).toBeGreaterThan(RUNS / 3);
});

describe('special replies', () => {
  const every: Partial<SamplingParams>[] = [{}, { mirostat: 2, mirostatTau: 3 }, { xtcProbability: 0.5 }];

  it.each(every)('of which the window was full: %o', async (change) => {
    const ids = Array.from({ length: 990 }, (_, i) => 5 + ((i * 37) % 900));
    const params = request('', 3, { temperature: 1, ...change }, 24);
    params.prompt = { kind: 'ids', ids, whenFull: 'shift' };
    params.stop.ignoreEos = true;
    const run = await drawn(params);
    expect(run.ids).toHaveLength(24);
    for (const index of [5, 11, 23]) {
      expect((await explained(params, run.ids.slice(0, index))).id).toBe(run.ids[index]);
    }
  });

  it('that continue one that had ended: the end does not come first', async () => {
    const ended = 'Hello world! How are you? I am very well, thank you! They became good friends.';
    const params: GenerateParams = { ...request(ended, 1, { temperature: 0 }), continues: { reason: 'eos' } };
    const run = await drawn(params);
    const draw = await explained(params, []);
    expect(draw.id).toBe(run.ids[0]);
    const { continues: _, ...without } = params;
    expect((await explained(without, [])).piece).toBe('<EOS>');
    expect((await explained(params, run.ids.slice(0, 1))).id).toBe(run.ids[1]);
  });
});
