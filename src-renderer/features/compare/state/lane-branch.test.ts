import { describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PreviewParams } from '../../../../src-main/engine/api/types.ts';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import { MAX_REPLIES } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { storedComparison } from '../../../../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { token } from '../../chat/test-support/fakes.ts';
import { colourBasis, needsScores } from '../../chat/thread/colour-basis.ts';
import { setUpCompare } from '../test-support/compare-setup.ts';
import { laneDraws } from './lane-draws.ts';
import { promptWith } from './lane-settings.ts';
import { Lane } from './lane.svelte.ts';

const idsOf = (lane: Lane) => lane.replies.map(({ columns }) => [...columns.ids]);

/** Lanes that have run: the reply of the first one is 5 6 7 8. */
async function ran() {
  const parts = setUpCompare();
  await parts.compare.run();
  const [lane] = parts.compare.lanes;
  return { ...parts, lane };
}

describe('a branch of a lane', () => {
  it('begins with the tokens before the chosen one, and the reply stays', async () => {
    const { api, compare, lane } = await ran();
    const [old] = lane.replies;
    const others = compare.lanes.slice(1).map(({ reply }) => reply);
    expect(await compare.branch(lane, { index: 2, id: 93 })).toBe(true);
    expect(idsOf(lane)).toEqual([
      [5, 6, 7, 8],
      [5, 6, 93, 5, 6, 7, 8],
    ]);
    expect(lane.replies[0]).toBe(old);
    expect(lane.reply).toMatchObject({ count: 7, runStart: 2, stop: { reason: 'eos' } });
    expect(lane.reply?.text.startsWith(old.slice(0, old.startOf(2)))).toBe(true);
    expect(compare.lanes.slice(1).map(({ reply }) => reply)).toEqual(others);
    expect(api.requests[1].lanes).toMatchObject([
      {
        prompt: { messages: [{ role: 'user', text: 'Once' }], replyIds: [5, 6] },
        firstToken: 93,
        sampling: { seed: 1 },
      },
    ]);
    // It can be repeated.
    expect(lane.reply?.facts.run).toMatchObject({ chosen: { id: 93, idsBefore: 2 } });
    // The lane differs from the others where its new reply does.
    expect(compare.commons.map((common) => common?.at)).toEqual([2, 2, 2]);
  });

  it('begins a branch of a branch, also at the first token', async () => {
    const { api, compare, lane } = await ran();
    await compare.branch(lane, { index: 2, id: 93 });
    await compare.branch(lane, { index: 3, id: 94 });
    expect(api.requests[2].lanes[0]).toMatchObject({ prompt: { replyIds: [5, 6, 93] }, firstToken: 94 });
    await compare.branch(lane, { index: 0, id: 95 });
    expect(api.requests[3].lanes[0].prompt).not.toHaveProperty('replyIds');
    const [sample, first, second, third] = lane.replies;
    expect(lane.lineOf(third)).toEqual([sample, first, second, third]);
    expect(lane.sampleOf(third)).toBe(0);
    expect([sample, first, second, third].map((reply) => lane.runStartsOf(reply))).toEqual([
      [0],
      [0, 2],
      [0, 2, 3],
      [0],
    ]);
  });

  it('has the settings and the seed of its sample, not those that were changed since', async () => {
    const { api, compare, lane } = await ran();
    lane.set({ samples: 2 });
    await compare.rerun(lane);
    lane.set({ sampling: { ...lane.settings.sampling, temperature: 2 } });
    lane.shown = 1;
    await compare.branch(lane, { index: 0, id: 93 });
    const asked = api.requests.at(-1)?.lanes[0];
    expect(asked).toMatchObject({ sampling: { seed: 2, temperature: lane.ranWith?.sampling.temperature } });
    expect(lane.changed).toBe(true);
  });

  it('has the seed that was drawn for its sample', async () => {
    const { api, compare, lane } = await ran();
    lane.set({ sampling: { ...lane.settings.sampling, seed: null } });
    await compare.rerun(lane);
    const [{ seed }] = lane.replies;
    await compare.branch(lane, { index: 1, id: 93 });
    await compare.branch(lane, { index: 2, id: 94 });
    const asked = api.requests.slice(1).map(({ lanes: [{ sampling }] }) => sampling.seed);
    expect(asked).toEqual([null, seed, seed]);
  });

  it('is no sample: figures are about the samples, or about the branch on screen', async () => {
    const { compare, lane } = await ran();
    await compare.branch(lane, { index: 1, id: 93 });
    const [sample, branch] = lane.replies;
    expect([lane.samples, lane.measured]).toEqual([[sample], [branch]]);
    lane.shown = 0;
    expect(lane.measured).toEqual([sample]);
  });

  it('has the candidates of both parts', async () => {
    const { compare, lane } = await ran();
    await compare.branch(lane, { index: 2, id: 93 });
    const pieces = () => [1, 2, 3].map((index) => lane.reply?.detailsOf(index)?.piece);
    await vi.waitFor(() => expect(pieces()).toEqual(['t1', 't0', 't1']));
  });

  it('shares the memory for candidates with the other replies of its lane', async () => {
    const { api, compare, lane } = await ran();
    api.scripts.set(
      1,
      Array.from({ length: 6000 }, (_, i) => i),
    );
    await compare.branch(lane, { index: 0, id: 93 });
    await compare.branch(lane, { index: 0, id: 94 });
    const [, first, second] = lane.replies;
    await vi.waitFor(() => expect(first.detailsOf(3000)?.piece).toBe('t3000'));
    second.detailsOf(3000);
    await vi.waitFor(() => expect(second.details.isMissing(3000)).toBe(true));
  });

  it('is stored with the run, and read back', async () => {
    const { compare, history, lane } = await ran();
    await compare.branch(lane, { index: 2, id: 93 });
    await compare.branch(lane, { index: 4, id: 94 });
    const saved = history.saved.at(-1)!;
    expect(saved.lanes[0].replies.map(({ facts }) => facts.branch)).toEqual([
      undefined,
      { turn: '0', index: 2 },
      { turn: '1', index: 4 },
    ]);
    compare.open({ ...saved, id: 'another' });
    const [opened] = compare.lanes;
    expect(idsOf(opened)).toEqual(idsOf(lane));
    expect(opened.lineOf(opened.replies[2])).toEqual(opened.replies);
    expect(opened.samples).toHaveLength(1);
    expect(compare.stored()?.lanes[0].replies).toEqual(saved.lanes[0].replies);
    // What is not stored is computed again.
    expect(opened.reply?.details.isMissing(1)).toBe(true);
  });

  it('is not taken from a file that names no reply before it', async () => {
    const { history } = await ran();
    const [{ settings, replies }] = history.saved[0].lanes;
    const [{ facts, ...texts }] = replies;
    const branch = (turn: string, index = 1) => ({ ...texts, facts: { ...facts, branch: { turn, index } } });
    const all = [branch('0'), branch('1'), branch('7'), branch('x'), branch('-1'), branch('0', 99)];
    const lane = Lane.from({ settings, replies: all });
    expect(lane.samples).toHaveLength(all.length);
  });

  it('is refused while lanes run, for another model, and beyond the limit', async () => {
    const { api, engine, compare, lane } = await ran();
    api.scripts.set(1, [5, 'pause', 6]);
    const running = compare.branch(lane, { index: 1, id: 93 });
    expect(await compare.branch(compare.lanes[1], { index: 1, id: 93 })).toBe(false);
    await vi.waitFor(() => expect(lane.reply?.count).toBe(3));
    expect(compare.recomputedOf(lane, lane.reply!).blocked).toBe('The reply is not finished.');
    await compare.runner.stopLane(lane);
    await running;
    expect(lane.reply?.stop).toEqual({ reason: 'user', tokens: 2 });

    const model = engine.model!;
    engine.model = { ...model, id: 'other' };
    expect(await compare.branch(lane, { index: 1, id: 94 })).toBe(false);
    engine.model = model;
    while (lane.full === null) lane.branch(lane.replies[0], 1).finished({} as never);
    expect(lane.replies).toHaveLength(MAX_REPLIES);
    expect(await compare.branch(lane, { index: 1, id: 95 })).toBe(false);
    expect(lane.full).toBe(`This lane has ${MAX_REPLIES} replies, the maximum. Running it again replaces them all.`);
  });

  it('is stored with the number of its own tokens if it is left while it grows', async () => {
    const { api, compare, history, lane } = await ran();
    const [other] = history.saved;
    api.scripts.set(1, [5, 'pause', 6]);
    const done = compare.branch(lane, { index: 2, id: 93 });
    await vi.waitFor(() => expect(lane.reply?.count).toBe(4));
    compare.open({ ...other, id: 'another' });
    await done;
    expect(history.saved.at(-1)?.lanes[0].replies).toMatchObject([
      {},
      { tokens: { ids: [5, 6, 93, 5] }, facts: { stop: { reason: 'user', tokens: 2 } } },
    ]);
  });

  it('says of the chosen token that a person chose it, also in a run that is opened', async () => {
    const { compare, history, lane } = await ran();
    await compare.branch(lane, { index: 2, id: 93 });
    const cautions = (of: Lane) => {
      const draws = laneDraws(compare.ranPrompt!, of.settings, of.reply!, of);
      return [2, 3].map((index) => draws.caution(index));
    };
    const expected = ['You chose this token. The draw shows what the settings would have picked.', null];
    expect(cautions(lane)).toEqual(expected);
    compare.open({ ...history.saved.at(-1)!, id: 'another' });
    const [opened] = compare.lanes;
    opened.shown = 1;
    expect(cautions(opened)).toEqual(expected);
  });

  it('stores a run that was deleted as a new one', async () => {
    const { compare, history, lane } = await ran();
    const { id } = compare;
    compare.forget();
    await compare.branch(lane, { index: 1, id: 93 });
    expect(compare.id).not.toBe(id);
    expect(history.saved.at(-1)).toMatchObject({ id: compare.id, lanes: [{ replies: [{}, {}] }, {}, {}] });
  });

  it('is not voted about', async () => {
    const { compare, lane } = await ran();
    await compare.branch(lane, { index: 1, id: 93 });
    compare.blind.turn(true, compare.lanes);
    expect(lane.reply).toBe(lane.replies[0]);
  });
});

describe('what is recomputed of a lane', () => {
  it('follows the prompt that it was run with', async () => {
    const { api, compare, lane } = await ran();
    compare.text = 'Twice';
    lane.set({ systemPrompt: 'Changed' });
    const asked: unknown[] = [];
    api.answers.score = (params) => {
      asked.push(params);
      return { ids: [], logprobs: [], ranks: [1, 1, 1, 1], entropies: [0, 0, 0, 0, 0], top: [], perplexity: 1 };
    };
    const recomputed = compare.recomputedOf(lane, lane.reply!);
    expect(compare.recomputedOf(lane, lane.reply!)).toBe(recomputed);
    recomputed.score();
    await vi.waitFor(() => expect(recomputed.scores).not.toBeNull());
    expect(asked).toMatchObject([
      { prompt: { messages: [{ role: 'user', text: 'Once' }], replyIds: [5, 6, 7, 8] }, last: 4 },
    ]);
  });

  it('has the ranks of a run that was opened, for its colours', async () => {
    const { api, compare } = setUpCompare([1, 2]);
    api.answers.score = () => {
      return { ids: [], logprobs: [], ranks: [1, 9, 3, 4, 5], entropies: [0, 0, 0, 0, 0, 0], top: [], perplexity: 1 };
    };
    compare.open(storedComparison());
    const [lane] = compare.lanes;
    const reply = lane.reply!;
    const recomputed = compare.recomputedOf(lane, reply);
    expect(needsScores(reply, 'rank')).toBe(true);
    expect(colourBasis(reply, 'rank', recomputed, false)).toBe('Recomputing ranks…');
    recomputed.score();
    await vi.waitFor(() => expect(colourBasis(reply, 'rank', recomputed, false)).toBe('Ranks recomputed'));
    expect(recomputed.measuresOf(1, 'rank').rank).toBe(9);
    // Its branches begin with its tokens. What they draw is known.
    const branch = lane.branch(reply, 2);
    branch.append([token(0)]);
    expect([branch.details.lacksRanks(3), branch.details.rank(2)]).toEqual([true, 1]);
  });

  it('has the date and the stop settings of its run', async () => {
    const { api, compare, history } = await ran();
    const run = structuredClone(history.saved.at(-1)!);
    const facts = run.lanes[0].replies[0].facts.run!;
    facts.requestedAt = '2026-01-02T03:04:05.000Z';
    facts.stop = { ...facts.stop, ignoreEos: true, maxTokens: 12 };
    compare.open({ ...run, id: 'another' });
    const asked: PreviewParams[] = [];
    api.answers.preview = (params) => {
      asked.push(params);
      throw new EngineError('CONTEXT_FULL', 'Too long.');
    };
    const [lane] = compare.lanes;
    compare.recomputedOf(lane, lane.reply!).askDetails(2);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect(asked[0]).toMatchObject({
      prompt: { date: facts.requestedAt },
      stop: facts.stop,
      reply: [5, 6],
    });
  });

  it('is the text where tokens are not known', async () => {
    const { compare, lane } = await ran();
    const reply = {
      ids: () => [5, NO_TOKEN],
      startOf: () => 3,
      slice: () => 'abc',
    };
    expect(promptWith(compare.prompt, lane.settings, reply, 2).messages.at(-1)).toEqual({
      role: 'assistant',
      text: 'abc',
    });
  });
});
