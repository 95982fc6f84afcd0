import { expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import { reply, tinyEngine } from '../test-support/tiny-engine.ts';
import type { SamplingParams } from '../api/types.ts';

const engine = await tinyEngine();

async function write(change: Partial<SamplingParams>): Promise<{ ids: number[]; text: string }> {
  const params = defaultGenerateParams({ kind: 'text', text: 'The cat sat on the' });
  params.stop = { ...params.stop, maxTokens: 24, ignoreEos: true, repetitionWindow: 0 };
  params.sampling = { ...params.sampling, seed: 5, ...change };
  const { end } = await reply(engine, params);
  expect(end.stop.reason).toBe('max_tokens');
  return end;
}

it.each<[string, Partial<SamplingParams>]>([
  ['typical', { typicalP: 0.3 }],
  ['top-n-sigma', { topNSigma: 0.5 }],
  ['XTC', { xtcProbability: 1, xtcThreshold: 0.05 }],
  ['DRY', { dryMultiplier: 5, dryAllowedLength: 0, dryBase: 2 }],
  ['dynamic temperature', { temperature: 1, dynatempRange: 1 }],
  ['mirostat 1', { mirostat: 1, mirostatTau: 7 }],
  ['mirostat 2', { mirostat: 2, mirostatTau: 7 }],
  ['adaptive-p', { adaptiveTarget: 0.1 }],
])('%s changes the reply, to the same text every time', async (_, change) => {
  const once = await write(change);
  expect(once.ids).not.toEqual((await write({})).ids);
  expect(await write(change)).toMatchObject({ ids: once.ids, text: once.text });
});

it('breaks loops with DRY, but allows repetition across breakers', async () => {
  const looping = await write({ temperature: 0 });
  const pairs = (ids: number[]) => ids.slice(1).map((id, i) => `${ids[i]} ${id}`);
  const repeated = (ids: number[]) => pairs(ids).length - new Set(pairs(ids)).size;
  const dry: Partial<SamplingParams> = { temperature: 0, dryMultiplier: 100, dryAllowedLength: 1, dryPenaltyLastN: -1 };
  const without = await write({ ...dry, drySequenceBreakers: [] });
  expect(repeated(without.ids)).toBe(0);
  // Every letter is a breaker, so there is nothing to penalise.
  const everywhere = await write({ ...dry, drySequenceBreakers: [...'abcdefghijklmnopqrstuvwxyz.,!?'] });
  expect(everywhere.ids).toEqual(looping.ids);
});
