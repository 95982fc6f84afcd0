import { expect, it } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type { DrawQuestion } from '../../waterfall/draw-source.ts';
import { stageReport } from '../../waterfall/test-support/explained.ts';
import { FakeEngine } from '../test-support/fakes.ts';
import { cutTokens, NextTokenPreview, neverGenerated } from './next-token.svelte.ts';

it('counts as cut what the stages removed, without tokens that are never generated', () => {
  const stages = [stageReport('mask', { removed: 2, survivors: 7998 }), stageReport('top_k', { removed: 7958 })];
  const next = { candidates: [], survivors: 40, stages };
  expect(cutTokens(next, 8000)).toBe(7958);
  expect(neverGenerated(next)).toBe(2);
  // Of a token in a reply nothing more is known.
  expect(cutTokens({ ...next, stages: [] }, 8000)).toBe(7960);
  expect(neverGenerated({ ...next, stages: [] })).toBe(0);
});

it('asks a question that is made when it is due, unless it was cancelled', async () => {
  const engine = new FakeEngine();
  const asked: unknown[] = [];
  engine.answers.preview = (params) => {
    asked.push(params);
    return { promptTokens: 1, token: null, candidates: [], survivors: 40, stages: [], draw: null };
  };
  const preview = new NextTokenPreview({ ready: () => Promise.resolve(engine) });
  const question = (id: number): DrawQuestion => ({
    prompt: { kind: 'ids', ids: [id] },
    sampling: defaultSamplingParams(),
    stop: defaultStopParams(),
  });
  preview.ask(() => Promise.resolve(question(1)), 'first')();
  preview.ask(() => Promise.resolve(question(2)), 'second');
  await expect.poll(() => preview.of).toBe('second');
  expect(preview.result?.survivors).toBe(40);
  expect(asked).toMatchObject([question(2)]);
});
