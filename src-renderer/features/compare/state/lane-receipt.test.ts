import { expect, it } from 'vitest';
import { setUpCompare } from '../test-support/compare-setup.ts';
import { laneRun } from './lane-receipt.ts';

it('repeats a reply with the prompt and the settings that it was run with, and a branch from its first token', async () => {
  const { compare } = setUpCompare();
  await compare.run();
  const [lane] = compare.lanes;
  await compare.branch(lane, { index: 2, id: 93 });
  const [sample, branch] = lane.replies;
  compare.text = 'Twice';
  lane.set({ systemPrompt: 'Changed' });
  const runOf = (reply: typeof sample) => laneRun(compare.ranPrompt!, lane.ranWith!, reply);
  expect(runOf(sample)).toMatchObject({
    request: { prompt: { messages: [{ role: 'user', text: 'Once' }] }, sampling: { seed: 7 } },
    reply: { ids: [5, 6, 7, 8], stop: { reason: 'eos' } },
  });
  expect(runOf(branch)).toMatchObject({
    request: { prompt: { messages: [{ text: 'Once' }], replyIds: [5, 6] }, firstToken: 93 },
    reply: { ids: [93, 5, 6, 7, 8] },
  });
  branch.note({ run: null });
  expect(typeof runOf(branch)).toBe('string');
});
