import { beforeEach, expect, it, vi } from 'vitest';
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
  expect(asked).toMatchObject([
    { prompt: { replyIds: [3, 4] }, token: 5, topCandidates: 20, sampling: { ...sampling, seed } },
  ]);
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
