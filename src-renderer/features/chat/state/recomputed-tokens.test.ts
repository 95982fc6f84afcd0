import { beforeEach, expect, it, vi } from 'vitest';
import { defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { Candidate, PreviewParams, ScoreParams } from '../../../../src-main/engine/api/types.ts';
import { end, start, tokens, type FakeEngine } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';

let api: FakeEngine;
let chats: ChatsState;
let session: ChatSession;
beforeEach(async () => {
  ({ api, chats, session } = await openSession());
  api.scripts = [[start(), ...tokens(4), end(4)]];
  await session.send('Once');
});

const recomputed = () => session.recomputedOf(chats.current.lastReply!);
const CANDIDATE: Candidate = { id: 9, piece: 'x', logprob: -1, sampledProbability: null, removedBy: 'top_k' };

it('scores the tokens of the reply, after its prompt, once', async () => {
  const asked: ScoreParams[] = [];
  api.answers.score = (params) => {
    asked.push(params);
    const entropies = [0.1, 0.2, 0.3, 0.4, 0.5];
    return { ids: [], logprobs: [-1, -1, -1, -1], ranks: [1, 2, 3, 4], entropies, top: [], perplexity: 1 };
  };
  const tokensOf = recomputed();
  tokensOf.score();
  await vi.waitFor(() => expect(tokensOf.scores).not.toBeNull());
  expect(asked).toMatchObject([{ prompt: { messages: [{ text: 'Once' }], replyIds: [3, 4, 5, 6] }, top: 0, last: 4 }]);
  expect(tokensOf.scores).toEqual({
    from: 0,
    ranks: [1, 2, 3, 4],
    entropies: [0.1, 0.2, 0.3, 0.4],
    hasOtherPrompt: false,
  });
  tokensOf.score();
  await Promise.resolve();
  expect(asked).toHaveLength(1);
});

it('says why it could not, unless it was cancelled', async () => {
  api.answers.score = () => {
    throw new EngineError('CONTEXT_FULL', 'Too long.');
  };
  const tokensOf = recomputed();
  tokensOf.score()();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(tokensOf.problem).toBeNull();
  tokensOf.score();
  await vi.waitFor(() => expect(tokensOf.problem).toBe('Too long.'));
});

it('recomputes the candidates at a token with the reply’s own settings', async () => {
  const asked: PreviewParams[] = [];
  api.answers.preview = (params) => {
    asked.push(params);
    const token = { ...CANDIDATE, id: 5, piece: 't2', sampledProbability: 0.5, rank: 3 };
    return { promptTokens: 6, token, candidates: [CANDIDATE], survivors: 2, stages: [], draw: null };
  };
  const tokensOf = recomputed();
  expect(tokensOf.detailsOf(2)).toBeNull();
  tokensOf.askDetails(2);
  await vi.waitFor(() => expect(tokensOf.detailsOf(2)).not.toBeNull());
  const { sampling, seed } = chats.current.lastReply!;
  expect(asked).toMatchObject([{ reply: [3, 4], token: 5, topCandidates: 20, sampling: { ...sampling, seed } }]);
  expect(tokensOf.detailsOf(2)).toEqual({
    piece: 't2',
    rank: 3,
    sampledProbability: 0.5,
    survivors: 2,
    // The token itself is always among them.
    candidates: [CANDIDATE, { ...CANDIDATE, id: 5, piece: 't2', sampledProbability: 0.5 }],
  });
  expect(tokensOf.detailsOf(1)).toBeNull();
});

it('recomputes with the date and the stop settings of the run, as far as the reply had got', async () => {
  const asked: (PreviewParams | ScoreParams)[] = [];
  const answer = (params: PreviewParams | ScoreParams) => {
    asked.push(params);
    throw new EngineError('CONTEXT_FULL', 'Too long.');
  };
  api.answers.preview = answer;
  api.answers.score = answer;
  const reply = chats.current.lastReply!;
  const requestedAt = '2026-01-02T03:04:05.000Z';
  const stop = { ...reply.facts.run!.stop, maxTokens: 6, ignoreEos: true };
  reply.note({ run: { ...reply.facts.run!, requestedAt, stop } });
  const ask = async (index: number) => {
    asked.length = 0;
    recomputed().askDetails(index);
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    return asked[0];
  };
  expect(await ask(0)).toMatchObject({ prompt: { date: requestedAt }, stop });
  expect(await ask(3)).toMatchObject({ prompt: { date: requestedAt }, stop, reply: [3, 4, 5] });
  // A token that a person chose was not drawn.
  reply.note({ runStart: 1, run: { ...reply.facts.run!, chosen: { id: 4, idsBefore: 1 } } });
  expect(await ask(1)).toMatchObject({ prompt: { replyIds: [3] }, stop, reply: [] });
  expect(await ask(3)).toMatchObject({ prompt: { replyIds: [3] }, firstToken: 4, stop, reply: [5] });
  // Before the run, the limit may have been another one.
  reply.note({ runStart: 3, run: { ...reply.facts.run!, stop: { ...stop, maxTokens: 2 } } });
  const earlier = { prompt: { date: requestedAt }, stop: { maxTokens: 3 } };
  expect(await ask(1)).toMatchObject({ ...earlier, reply: [3] });
  expect(await ask(2)).toMatchObject({ ...earlier, reply: [3, 4] });
  asked.length = 0;
  recomputed().score();
  await vi.waitFor(() => expect(asked).toMatchObject([{ prompt: { date: requestedAt } }]));
  reply.note({ run: null });
  expect(await ask(1)).toMatchObject({ stop: defaultStopParams() });
  expect(asked[0].prompt).not.toHaveProperty('date');
});

it('tells a token whose candidates could not be recomputed', async () => {
  api.answers.preview = () => {
    throw new EngineError('NO_MODEL', 'Gone.');
  };
  const tokensOf = recomputed();
  tokensOf.askDetails(0);
  await vi.waitFor(() => expect(tokensOf.problemOf(0)).toBe('Gone.'));
  expect(tokensOf.detailsOf(0)).toBeNull();
});

it('computes what is before a token, and does not mind if it cannot', async () => {
  const asked: PreviewParams[] = [];
  api.answers.preview = (params) => {
    asked.push(params);
    throw new EngineError('CONTEXT_FULL', 'Too long.');
  };
  recomputed().prepareBranch(2);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]).toMatchObject({ prompt: { messages: [{ text: 'Once' }], replyIds: [3, 4] }, topCandidates: 0 });
  expect(recomputed().problemOf(2)).toBeNull();
});
