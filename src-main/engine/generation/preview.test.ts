import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerateParams, defaultSamplingParams, defaultStopParams } from '../api/defaults.ts';
import { Mt19937 } from '../sampling/rng.ts';
import type { InferenceEngine } from '../index.ts';
import { plainChain, softmax } from '../test-support/plain-chain.ts';
import { kernelPlatform, reply, tinyEngine } from '../test-support/tiny-engine.ts';
import type { InspectParams, SamplingParams } from '../api/types.ts';

const params = (text: string, change: Partial<InspectParams['sampling']> = {}): InspectParams => ({
  prompt: { kind: 'text', text },
  sampling: { ...defaultSamplingParams(), seed: 3, ...change },
  stop: { ...defaultStopParams(), maxTokens: 1 },
  topCandidates: 12,
});

it('shows the same candidates for the next token as generation', async () => {
  const engine = await tinyEngine();
  const request = params('The cat sat on the');
  const seen = await engine.preview(request);
  expect(seen.stages.map(({ stage }) => stage)).toEqual(['mask', ...request.sampling.samplers]);
  expect(seen.stages.find(({ stage }) => stage === 'top_k')).toMatchObject({ survivors: 40, removed: 8000 - 2 - 40 });
  expect(seen.survivors).toBe(seen.stages.at(-1)?.survivors);

  for await (const event of engine.generate({ ...request, useKvCache: true })) {
    if (event.type !== 'token') continue;
    expect(event.token.candidates).toEqual(seen.candidates);
    expect(event.token.survivors).toBe(seen.survivors);
  }
});

it('reports a token whatever its rank, and which stage removed the candidates', async () => {
  const engine = await tinyEngine();
  const request = { ...params('The cat sat on the', { topK: 5, topP: 0.5, minP: 0 }), topCandidates: 20 };
  const { candidates, stages, token } = await engine.preview({ ...request, token: 700 });
  expect(candidates).toHaveLength(20);
  const { ranks, logprobs } = await engine.score({
    prompt: { kind: 'ids', ids: [...engine.tokenize({ text: 'The cat sat on the', addBos: true, parseSpecial: false }).ids, 700] }, // prettier-ignore
    top: 0,
    last: 1,
  });
  expect(token).toMatchObject({ id: 700, rank: ranks[0], sampledProbability: null, removedBy: 'top_k' });
  expect(token?.logprob).toBeCloseTo(logprobs[0], 9);
  const removedIn = (name: string) => stages.find(({ stage }) => stage === name)?.removed ?? 0;
  const cutBy = (name: string) => candidates.filter(({ removedBy }) => removedBy === name).length;
  expect(cutBy('top_p')).toBe(removedIn('top_p'));
  expect(cutBy('top_p')).toBeGreaterThan(0);
  expect(cutBy('top_k')).toBe(15);
  for (const { removedBy, sampledProbability } of candidates) {
    expect(removedBy === undefined).toBe(sampledProbability !== null);
  }
});

it('works where the model would end its text, without a seed', async () => {
  const engine = await tinyEngine();
  const ended = params('Hello world! How are you? I am very well, thank you! They became good friends.');
  const seen = await engine.preview({ ...ended, sampling: { ...ended.sampling, temperature: 0 } });
  expect(seen.survivors).toBe(1);
  expect(seen.candidates[0]).toMatchObject({ piece: '<EOS>', sampledProbability: 1 });
  const other = { ...ended.sampling, temperature: 0, seed: 4 };
  expect(await engine.preview({ ...ended, sampling: other })).toEqual(seen);
  const ignored = await engine.preview({ ...ended, stop: { ...ended.stop, ignoreEos: true } });
  expect(ignored.candidates[0]).toMatchObject({ piece: '<EOS>', sampledProbability: null });
});

describe('how a token of a reply was drawn', () => {
  /** Of a float32 probability near 1, and of exp of a float32 logit. */
  const TOLERANCE = 2e-6;
  const PROMPT = 'Hello world';
  const SEED = 42;

  let engine: InferenceEngine;
  beforeAll(async () => {
    engine = await tinyEngine(kernelPlatform());
  });

  const settings: Partial<SamplingParams>[] = [
    {},
    { temperature: 0 },
    { temperature: 0.7 },
    { temperature: 1.5, topK: 0, topP: 1, minP: 0 },
    { temperature: 1, topK: 0, topP: 1, minP: 0 },
    { topK: 1 },
    { topK: 3, topP: 1, minP: 0 },
    { topK: 200, topP: 0.99, minP: 0 },
    { topK: 0, topP: 0.5, minP: 0 },
    { topK: 0, topP: 0.9, minP: 0, temperature: 1.2 },
    { topK: 0, topP: 1, minP: 0.05 },
    { topK: 0, topP: 1, minP: 0.3, temperature: 2 },
    { topK: 0, topP: 1, minP: 0, typicalP: 0.5 },
    { typicalP: 0.9, topP: 0.98 },
    { topNSigma: 1 },
    { topNSigma: 0.5, topK: 0, topP: 1, minP: 0 },
    { repeatPenalty: 1.3 },
    { frequencyPenalty: 0.5, presencePenalty: 0.4, penaltyLastN: 5 },
    { dynatempRange: 0.5 },
    { dynatempRange: 0.6, dynatempExponent: 2, topP: 1 },
    { samplers: ['temperature', 'top_p', 'top_k'], temperature: 1.4, topP: 0.8, topK: 10 },
    { samplers: ['min_p', 'penalties', 'top_k'], minP: 0.01, repeatPenalty: 1.2, topK: 4 },
    { samplers: [] },
  ];

  it.each(settings)('equals a computation from the raw logits: %o', async (change) => {
    const sampling = { ...defaultSamplingParams(), seed: SEED, ...change };
    const params = { ...defaultGenerateParams({ kind: 'text', text: PROMPT }), sampling, topCandidates: 10 };
    const run = await reply(engine, { ...params, stop: { ...params.stop, maxTokens: 8 } });
    const rng = new Mt19937(SEED);
    const randoms = Array.from(run.end.ids, () => rng.nextDouble());
    const { maskedTokenIds } = engine.model!;
    for (const [index, token] of run.tokens.entries()) {
      if (index % 3 !== 0) continue;
      const before = run.end.ids.slice(0, index);
      const seen = await engine.preview({ ...params, reply: before });
      const { draw, stages } = seen;
      const history = [...run.start.promptIds, ...before];
      const inspected = await engine.inspect({
        ...params,
        prompt: { kind: 'ids', ids: history },
        stop: { ...params.stop, maxTokens: 0 },
      });
      const logits = inspected.logits.values;
      const chain = plainChain(logits, maskedTokenIds, history, sampling);

      expect(seen.promptTokens).toBe(history.length);
      expect(stages.map(({ stage }) => stage)).toEqual(['mask', ...sampling.samplers]);
      for (const [i, candidates] of chain.entries()) {
        expect(stages[i + 1].survivors).toBe(candidates.length);
        const probabilities = softmax(candidates);
        for (const row of draw!.rows) {
          const at = candidates.findIndex(({ id }) => id === row.id);
          const after = row.stages[i + 1];
          if (at === -1) {
            expect(after).toBeNull();
          } else {
            expect(Math.abs(after!.logit - candidates[at].logit)).toBeLessThan(TOLERANCE * 10);
            expect(Math.abs(after!.probability - probabilities[at])).toBeLessThan(TOLERANCE);
          }
        }
      }
      for (const row of draw!.rows) expect(row.logit).toBe(logits[row.id]);

      // The draw: the first candidate at which the sum of probabilities reaches the random number.
      const last =
        chain.at(-1) ?? logits.map((logit, id) => ({ id, logit })).filter(({ id }) => !maskedTokenIds.includes(id));
      const probabilities = softmax(last);
      let total = 0;
      const chosen = probabilities.findIndex((probability) => (total += probability) >= randoms[index]);
      expect(draw!.random).toBe(randoms[index]);
      expect(draw!.id).toBe(last[chosen].id);
      expect(draw).toMatchObject({ id: token.id, piece: token.piece, probability: token.sampledProbability });
      expect(seen.survivors).toBe(token.survivors);
      expect(seen.candidates).toEqual(token.candidates);
      const place = draw!.line.find(({ id }) => id === token.id)!;
      expect(Math.abs(place.to - total)).toBeLessThan(TOLERANCE);
      expect(Math.abs(place.from - (total - probabilities[chosen]))).toBeLessThan(TOLERANCE);
      expect(draw!.rows.map(({ id }) => id)).toContain(token.id);
      // What a stage removed is listed with it.
      for (const { removedTop, stage } of stages) {
        if (stage !== 'mask' && removedTop.length > 0)
          expect(draw!.rows.map(({ id }) => id)).toContain(removedTop[0][0]);
      }
    }
  });

  it('needs the seed, known tokens, and room for them', async () => {
    const request = params(PROMPT);
    const refused = (change: object) => engine.preview({ ...request, reply: [], ...change });
    await expect(refused({ sampling: { ...request.sampling, seed: null } })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      details: { field: 'sampling.seed' },
    });
    await expect(refused({ reply: [8000] })).rejects.toMatchObject({ details: { field: 'reply[0]' } });
    await expect(refused({ reply: new Array<number>(998).fill(5) })).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
      details: { promptTokens: 1001, contextSize: 1000 },
    });
  });

  it('reuses what the window holds', async () => {
    const request = { ...defaultGenerateParams({ kind: 'text', text: PROMPT }), topCandidates: 3 };
    request.sampling.seed = SEED;
    const run = await reply(engine, { ...request, stop: { ...request.stop, maxTokens: 30, ignoreEos: true } });
    await engine.preview({ ...request, reply: run.end.ids.slice(0, 12) });
    // The reply is still there.
    const whole = [...run.start.promptIds, ...run.end.ids];
    const again = await reply(engine, {
      ...request,
      prompt: { kind: 'ids', ids: whole },
      stop: { ...request.stop, maxTokens: 1 },
    });
    expect(again.start.reusedTokens).toBeGreaterThanOrEqual(run.start.promptIds.length + 12);
  });
});
