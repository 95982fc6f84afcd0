import { beforeEach, expect, it, vi } from 'vitest';
import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { PacedFrame } from '../../../lib/paced-frames.ts';
import { end, MODEL, start, token, tokens, type FakeEngine } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import type { PageLine } from '../test-support/store.ts';
import { ChatDocument } from './chat-document.svelte.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import { prefixOf } from './reply-prefix.ts';
import { Reply } from './reply.svelte.ts';

let services: PageLine;
let api: FakeEngine;
let chats: ChatsState;
let session: ChatSession;

beforeEach(async () => {
  ({ services, api, chats, session } = await openSession());
  api.scripts = [[start(), ...tokens(6), end(6)]];
  await session.send('Once');
});

const last = () => chats.current.lastReply!;
const idsOf = (reply: Reply) => reply.copyColumns(0, reply.count).ids;
/** What a reply is, to see whether it changed. */
const contentOf = (reply: Reply) => ({ text: reply.text, facts: reply.facts, ...reply.copyColumns(0, reply.count) });

it('generates a version from a candidate, after the ids of the tokens before it, and leaves the old one alone', async () => {
  const old = last();
  const before = structuredClone(contentOf(old));
  api.scripts = [[start(), { type: 'token', token: token(90, { text: ' new' }) }, ...tokens(2), end(3)]];
  await session.branch(old, 4, 93);
  expect(api.requests[1]).toMatchObject({
    prompt: { kind: 'chat', messages: [{ role: 'user', text: 'Once' }], replyIds: [3, 4, 5, 6] },
    firstToken: 93,
  });
  expect(api.requests[1]).not.toHaveProperty('continues');
  const branch = last();
  expect(branch).not.toBe(old);
  expect(branch.text).toBe('t0 t1 t2 t3 newt0 t1');
  expect(idsOf(branch)).toEqual([3, 4, 5, 6, 93, 3, 4]);
  expect(branch.facts).toMatchObject({ branch: { turn: old.id, index: 4 }, runStart: 4, stop: { reason: 'eos' } });
  expect(chats.current.versionsOf(branch)).toEqual([old.id, branch.id]);
  expect(contentOf(old)).toEqual(before);

  await chats.flush();
  const stored = await services.invoke('chatGet', chats.current.id);
  expect(stored?.head).toBe(branch.id);
  const restored = ChatDocument.from(stored!);
  expect(contentOf(restored.turn(branch.id) as Reply)).toMatchObject({
    text: branch.text,
    ids: idsOf(branch),
    facts: { branch: { turn: old.id, index: 4 } },
  });
  expect(contentOf(restored.turn(old.id) as Reply)).toMatchObject({ text: old.text, ids: before.ids });
});

it('asks the engine before the page draws', async () => {
  const branching = session.branch(last(), 4, 93);
  expect(api.requests).toHaveLength(2);
  await branching;
  const counted = last().statistics.latencies.length - last().statistics.first;
  expect({ counted, first: last().statistics.first }).toEqual({ counted: 1, first: 2 });
  await session.continueReply();
  expect(last().statistics.first).toBe(1);
});

it('begins with the candidate if it takes the place of the first token', async () => {
  await session.branch(last(), 0, 93);
  expect(api.requests[1].prompt).not.toHaveProperty('replyIds');
  expect(api.requests[1]).toMatchObject({ firstToken: 93 });
  expect(last().facts).toMatchObject({ branch: { index: 0 }, runStart: 0 });
});

it('shows the details of the tokens that both versions have, after a restart too', async () => {
  const old = last();
  await session.branch(old, 4, 93);
  expect(last().detailsOf(2)?.piece).toBe('t2');
  expect(last().details.rank(2)).toBe(1);
  await chats.flush();
  const stored = await services.invoke('chatGet', chats.current.id);
  const load = vi.fn(
    (turn: string, _from: number, count: number) =>
    Promise.resolve(Array.from({ length: count }, () => ({ piece: turn, rank: 7, sampledProbability: 1, survivors: 1, candidates: [] }))), // prettier-ignore
  );
  // The pieces in memory belong to the ids of turns, so the restored ones need others.
  const renamed = JSON.parse(JSON.stringify(stored).replaceAll(old.id, `${old.id}x`).replaceAll(last().id, `${last().id}x`)) as typeof stored; // prettier-ignore
  const branch = ChatDocument.from(renamed!, load).lastReply!;
  expect(branch.detailsOf(3)).toBeNull();
  await vi.waitFor(() => expect(branch.detailsOf(3)?.piece).toBe(`${old.id}x`));
  expect(branch.detailsOf(4)).toBeNull();
  await vi.waitFor(() => expect(branch.detailsOf(4)?.piece).toBe(branch.id));
});

it('does nothing while a reply is running, and not in a version that is not shown', async () => {
  const old = last();
  await session.branch(old, 2, 93);
  const count = api.requests.length;
  await session.branch(old, 2, 94);
  expect(api.requests).toHaveLength(count);
  api.scripts = [[start(), 'pause', end(0)]];
  const running = session.branch(last(), 2, 95);
  await vi.waitFor(() => expect(api.requests).toHaveLength(count + 1));
  await session.branch(last(), 1, 96);
  expect(api.requests).toHaveLength(count + 1);
  api.resume();
  await running;
});

it('branches from an earlier reply, and the turns after it stay with the old version', async () => {
  const first = last();
  await session.send('More');
  const path = chats.current.path.map(({ id }) => id);
  await session.branch(first, 1, 93);
  expect(chats.current.path).toHaveLength(2);
  session.showVersion(last(), 0);
  expect(chats.current.path.map(({ id }) => id)).toEqual(path);
});

it('says that it failed, like any reply', async () => {
  api.scripts = [[new Error('no')]];
  await session.branch(last(), 3, 93);
  expect(last()).toMatchObject({ count: 3, stop: { reason: 'error' } });
});

it('can be regenerated and continued', async () => {
  await session.branch(last(), 2, 93);
  await session.continueReply();
  expect(api.requests[2].prompt).toMatchObject({ messages: [{}, { role: 'assistant', text: 't0 t1t0 t1 t2' }] });
  await session.regenerate();
  expect(api.requests[3].prompt).toMatchObject({ messages: [{ role: 'user' }] });
  expect(chats.current.versionsOf(last())).toHaveLength(3);
});

it('shows the chosen token and the first one after it without a rest, and of other replies the first one', async () => {
  const urgent: boolean[] = [];
  const frame: PacedFrame = (callback, isUrgent = false) => {
    urgent.push(isUrgent);
    setTimeout(callback);
  };
  ({ api, chats, session } = await openSession({ frame }));
  /** Lets the reply continue once that many tokens are on screen. */
  const goOnAfter = async (count: number) => {
    await vi.waitFor(() => expect(last()).toMatchObject({ count }));
    api.resume();
  };
  const [first, second, third, fourth] = tokens(4);
  const script = [start(), first, 'pause', second, 'pause', third, fourth, end(4)] as const;
  api.scripts = [[...script], [...script]];
  const sending = session.send('Once');
  await goOnAfter(1);
  await goOnAfter(2);
  await sending;
  expect(urgent).toEqual([true, false, false]);
  urgent.length = 0;
  const branching = session.branch(last(), 1, 93);
  await goOnAfter(2);
  await goOnAfter(3);
  await branching;
  expect(urgent).toEqual([true, true, false]);
});

/** A reply of `count` tokens whose last run began at `runStart`. */
function replyOf(count: number, runStart: number, ids?: number[]): Reply {
  const reply = new Reply({ ...last(), facts: { ...last().facts, runStart } });
  reply.append(Array.from({ length: count }, (_, at) => token(at, ids === undefined ? {} : { id: ids[at] })));
  return reply;
}

it('uses the text of earlier runs only if their ids do not spell it', async () => {
  expect(await prefixOf(replyOf(6, 0), 4, api)).toEqual({ text: '', ids: [3, 4, 5, 6] });
  expect(await prefixOf(replyOf(6, 3), 5, api)).toEqual({ text: '', ids: [3, 4, 5, 6, 7] });
  const other = [900, 901, 902, 6, 7, 8];
  expect(await prefixOf(replyOf(6, 3, other), 5, api)).toEqual({ text: 't0 t1 t2', ids: [6, 7] });
  expect(await prefixOf(replyOf(6, 3, other), 2, api)).toEqual({ text: 't0 t1', ids: [] });
});

it('uses the text of tokens that are not known', async () => {
  expect(await prefixOf(replyOf(6, 0, [3, NO_TOKEN, 5, 6, 7, 8]), 1, api)).toEqual({ text: '', ids: [3] });
  expect(await prefixOf(replyOf(6, 0, [3, NO_TOKEN, 5, 6, 7, 8]), 4, api)).toEqual({ text: 't0 t1 t2 t3', ids: [] });
});

it('is blocked by another model, and while the reply is running', async () => {
  const recomputed = session.recomputedOf(last());
  expect(session.recomputedOf(last())).toBe(recomputed);
  expect(recomputed.blocked).toBeNull();
  last().note({ modelId: 'other', model: 'Other' });
  expect(recomputed.blocked).toBe('This reply is by Other. Load Other first.');
  last().note({ modelId: MODEL.id });
  last().begin({});
  expect(recomputed.blocked).toBe('The reply is not finished.');
});
