import { expect, it } from 'vitest';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { laneDraws } from './lane-draws.ts';
import { newLaneSettings } from './lane-settings.ts';

const settings = newLaneSettings({ id: 'own', name: 'Own' }, { temperature: 0.5 });

/** A lane's reply of three tokens, which was drawn with seed 9. */
const reply = {
  ...{ stop: null, count: 3, sampling: settings.sampling, seed: 9, model: 'Own', runStart: 0 },
  facts: { modelId: 'own', run: { requestedAt: '2026-01-02T03:04:05.000Z' } },
  ids: (from: number, to: number) => [11, 12, 13].slice(from, to),
  token: (index: number) => ({ id: 11 + index, text: 'x' }),
} as unknown as Reply;

it('asks for a token of a lane with the tokens before it, the seed and the date of its run', () => {
  const draws = laneDraws({ kind: 'text', text: 'Hello' }, settings, reply, { sourceOf: () => null });
  const question = draws.question(2);
  expect(question.reply).toEqual([11, 12]);
  expect(question.sampling).toMatchObject({ temperature: 0.5, seed: 9 });
  expect(question.prompt).toMatchObject({
    kind: 'chat',
    messages: [{ role: 'user', text: 'Hello' }],
    date: '2026-01-02T03:04:05.000Z',
  });
  expect([draws.model.id, draws.count, draws.token(2).id]).toEqual(['own', 3, 13]);
});

it('draws the tokens of a branch after the chosen one, and those before it as in the other reply', () => {
  const branch = {
    ...reply,
    runStart: 1,
    seed: 5,
    facts: { ...reply.facts, branch: { turn: 'sample', index: 1 }, run: { chosen: { id: 90, idsBefore: 1 } } },
    ids: (from: number, to: number) => [11, 90, 91].slice(from, to),
  };
  const lane = { sourceOf: (of: Reply) => (of === (branch as unknown as Reply) ? reply : null) };
  const draws = laneDraws({ kind: 'text', text: 'Hello' }, settings, branch as unknown as Reply, lane);
  expect(draws.question(0)).toMatchObject({ reply: [], sampling: { seed: 9 } });
  expect(draws.question(1)).toMatchObject({ prompt: { replyIds: [11] }, reply: [], sampling: { seed: 5 } });
  expect(draws.question(1)).not.toHaveProperty('firstToken');
  expect(draws.question(2)).toMatchObject({ prompt: { replyIds: [11] }, firstToken: 90, reply: [] });
  expect(draws.question(3)).toMatchObject({ prompt: { replyIds: [11] }, firstToken: 90, reply: [91] });
  expect([0, 1, 2].map((index) => draws.caution(index)?.split('.')[0])).toEqual([
    'This token is from the version that the reply was branched from, whose settings are not all stored',
    'You chose this token',
    undefined,
  ]);
});
