import { expect, it } from 'vitest';
import { rateOver, SessionTotals, type FinishedRun } from './session-totals.svelte.ts';

const run = (modelId: string, tokens: number, rate: number | null, prefillMs = 50): FinishedRun => ({
  ...{ modelId, model: modelId.toUpperCase(), computedTokens: 10, reusedTokens: 5 },
  replies: [
    {
      tokens,
      timings: {
        ...{ loadMs: 0, prefillMs, timeToFirstTokenMs: prefillMs, prefillTokensPerSecond: 200, totalMs: 0 },
        decodeTokensPerSecond: rate,
      },
    },
  ],
});

it('adds up the replies of each model', () => {
  const totals = new SessionTotals();
  totals.note(run('a', 11, 10));
  totals.note(run('b', 3, 4));
  totals.note(run('a', 21, 40));
  // One token has no rate of its own.
  totals.note(run('a', 1, null));
  expect(totals.models).toEqual([
    {
      ...{ modelId: 'a', model: 'A', replies: 3, computedTokens: 30, reusedTokens: 15, tokens: 33 },
      ...{ prefillMs: 150, decodeMs: 1500, decodedTokens: 30, fastest: 40, slowest: 10 },
    },
    {
      ...{ modelId: 'b', model: 'B', replies: 1, computedTokens: 10, reusedTokens: 5, tokens: 3 },
      ...{ prefillMs: 50, decodeMs: 500, decodedTokens: 2, fastest: 4, slowest: 4 },
    },
  ]);
  const [a] = totals.models;
  // 30 tokens in 1.5 s: the mean over time, not of the rates.
  expect(rateOver(a?.decodedTokens ?? 0, a?.decodeMs ?? 0)).toBe(20);
  expect(rateOver(0, 0)).toBeNull();
});

it('adds up lanes that ran together: their prompt once, and their tokens in the time of the longest', () => {
  const totals = new SessionTotals();
  const lanes = [run('a', 11, 10), run('a', 21, 10), run('a', 1, null)].flatMap(({ replies }) => replies);
  totals.note({ modelId: 'a', model: 'A', computedTokens: 12, reusedTokens: 8, replies: lanes });
  expect(totals.models).toEqual([
    {
      ...{ modelId: 'a', model: 'A', replies: 3, computedTokens: 12, reusedTokens: 8, tokens: 33 },
      // 10 and 20 tokens after the first ones, at 10 tok/s each.
      ...{ prefillMs: 50, decodeMs: 2000, decodedTokens: 30, fastest: 10, slowest: 10 },
    },
  ]);
});
