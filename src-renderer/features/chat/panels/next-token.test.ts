import { expect, it } from 'vitest';
import { stageReport } from '../../waterfall/test-support/explained.ts';
import { cutTokens } from './next-token.svelte.ts';

it('counts as cut what the stages removed, without tokens that are never generated', () => {
  const stages = [stageReport('mask', { removed: 2, survivors: 7998 }), stageReport('top_k', { removed: 7958 })];
  expect(cutTokens({ candidates: [], survivors: 40, stages }, 8000)).toBe(7958);
  // Of a token in a reply nothing more is known.
  expect(cutTokens({ candidates: [], survivors: 40, stages: [] }, 8000)).toBe(7960);
});
