import { expect, it } from 'vitest';
import { stageReport } from '../../waterfall/test-support/explained.ts';
import { cutTokens, neverGenerated } from './next-token.svelte.ts';

it('counts as cut what the stages removed, without tokens that are never generated', () => {
  const stages = [stageReport('mask', { removed: 2, survivors: 7998 }), stageReport('top_k', { removed: 7958 })];
  const next = { candidates: [], survivors: 40, stages };
  expect(cutTokens(next, 8000)).toBe(7958);
  expect(neverGenerated(next)).toBe(2);
  // Of a token in a reply nothing more is known.
  expect(cutTokens({ ...next, stages: [] }, 8000)).toBe(7960);
  expect(neverGenerated({ ...next, stages: [] })).toBe(0);
});
