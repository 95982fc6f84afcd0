import { expect, it } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../api/defaults.ts';
import { tinyEngine } from '../test-support/tiny-engine.ts';
import type { InspectParams } from '../api/types.ts';

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
