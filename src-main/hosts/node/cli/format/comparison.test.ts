import { expect, it } from 'vitest';
import { defaultGenerateParams } from '../../../../engine/api/defaults.ts';
import type { GenerateEnd } from '../../../../engine/api/types.ts';
import type { ComparedLane } from '../compare/compared-lane.ts';
import { formatComparison } from './comparison.ts';

function lane(label: string, sample: number, ids: number[], numbers: Partial<ComparedLane> = {}): ComparedLane {
  const end: GenerateEnd = {
    ids,
    text: '',
    stop: { reason: 'max_tokens', maxTokens: ids.length },
    timings: {
      loadMs: 0,
      prefillMs: 1,
      timeToFirstTokenMs: 1,
      prefillTokensPerSecond: 1,
      decodeTokensPerSecond: 12.34,
      totalMs: 1,
    },
    seed: sample,
    contextUsed: 9,
  };
  const params = defaultGenerateParams({ kind: 'text', text: 'x' });
  const none = { perplexity: null, meanSurprisal: null, distinct1: null, distinct2: null, divergesAt: null };
  return { label, sample, seed: sample, params, start: null, end, ...none, ...numbers };
}

const PREFILL = { sharedTokens: 1200, reusedTokens: 3, computedTokens: 1234, kvCacheBytes: 0 };

it('is a table of the lanes, followed by the prefill', () => {
  const numbers = { perplexity: 3.14159, meanSurprisal: 1.6515, distinct1: 0.5, distinct2: 1, divergesAt: 2 };
  const text = formatComparison({
    lanes: [lane('greedy', 1, [1, 2, 3], numbers), lane('top-k=2', 1, [], {})],
    prefill: PREFILL,
  });
  expect(text.split('\n').map((line) => line.trimEnd())).toEqual([
    'lane     seed  stop        tokens  tok/s  perplexity  bits/token  distinct-1  distinct-2  differs at',
    'greedy      1  max_tokens       3   12.3        3.14        1.65        0.50        1.00',
    'top-k=2     1  max_tokens       0   12.3           –           –           –           –       equal',
    '',
    'Prompt: 1,234 tokens computed for all lanes, 3 reused.',
  ]);
});

it('shows the spread of several samples', () => {
  const lanes = [
    lane('a', 1, [1, 2], { perplexity: 2, meanSurprisal: 1 }),
    lane('a', 2, [1, 3], { perplexity: 8, meanSurprisal: 3, divergesAt: 1 }),
    lane('b', 1, [5], {}),
    lane('b', 2, [5], { divergesAt: 0 }),
  ];
  const text = formatComparison({ lanes, prefill: PREFILL });
  expect(text).toContain('a #2');
  expect(text).toMatch(/^a +2 +2 +2\.0 \(2 to 2\) +5\.00 \(2\.00 to 8\.00\) +2\.00 \(1\.00 to 3\.00\)$/m);
  expect(text).toMatch(/^b +2 +1 +1\.0 \(1 to 1\) +– +–$/m);
});
