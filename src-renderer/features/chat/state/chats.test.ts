import { expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { NO_FACTS, NO_TOKEN, type StoredChat } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { LocalAppServices } from '../../../../src-main/services/app-services.ts';
import { ChatDocument, UserTurn } from './chat-document.svelte.ts';
import { ChatsState } from './chats.svelte.ts';
import { REPLY_FACTS, token } from '../test-support/fakes.ts';
import { dataFolder, openStore, PageLine } from '../test-support/store.ts';
import { announcements } from '../../../ui/live-region.svelte.ts';

interface Page {
  line: PageLine;
  chats: ChatsState;
}

async function openPage(store: LocalAppServices): Promise<Page> {
  const line = new PageLine(store);
  const chats = new ChatsState(line);
  await chats.refresh();
  return { line, chats };
}

/** Writes a chat with one message and shows it. */
async function write(chats: ChatsState, text: string): Promise<ChatDocument> {
  chats.create();
  chats.current.title = text;
  chats.current.addUserTurn(text);
  await chats.flush();
  return chats.current;
}

/** Answers the shown chat as a session does. */
async function answer(chats: ChatsState, tokens: number): Promise<void> {
  const chat = chats.current;
  const reply = chat.addReply(REPLY_FACTS);
  const following = chats.follow(chat, reply);
  reply.begin({});
  reply.append(Array.from({ length: tokens }, (_, index) => token(index)));
  reply.failed({ reason: 'max_tokens', maxTokens: tokens });
  following.ended();
  await chats.flush();
}

const titles = (chats: ChatsState) => chats.list.map((chat) => chat.title);
const texts = (chat: ChatDocument) => chat.path.map((turn) => turn.text);
const said = (stored: StoredChat | null) => stored?.turns.map(({ text }) => text) ?? [];
const full = () => new EngineError('STORAGE', 'The disk is full. Free some space.');

it('lists chats newest first and opens them', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  await write(chats, 'old');
  await write(chats, 'new');
  const other = await openPage(store);
  expect(titles(other.chats)).toEqual(['new', 'old']);
  expect(other.chats.currentId).toBeNull();
  await other.chats.select(other.chats.list[1].id);
  expect(other.chats.current.title).toBe('old');
  expect(other.chats.currentId).toBe(other.chats.list[1].id);
});

it('leaves the open chat where it is when another one is gone', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const gone = await write(chats, 'gone');
  const kept = await write(chats, 'kept');
  await store.invoke('chatDelete', gone.id);
  await chats.select(gone.id);
  expect(chats.current).toBe(kept);
  await vi.waitFor(() => expect(titles(chats)).toEqual(['kept']));
});

it('takes the open chat off the list when another window deleted it, and asks once what was written in it', async () => {
  const store = await openStore(await dataFolder());
  const { chats, line } = await openPage(store);
  const { id } = await write(chats, 'a');
  const read = line.invoke.bind(line);
  let listed: () => void = () => undefined;
  const list = new Promise<void>((resolve) => (listed = resolve));
  line.invoke = async (method, ...params) => {
    if (method === 'chatSince') await list;
    const answer = await read(method, ...params);
    // What follows an answer comes first.
    if (method === 'chatsList') setTimeout(listed);
    return answer;
  };
  await store.invoke('chatDelete', id);
  const asked = () => line.calls.filter(({ method }) => method === 'chatSince').length;
  await vi.waitFor(() => expect(asked()).toBe(1));
  expect(titles(chats)).toEqual([]);
  // After a failure to save, the first retry comes within 500 ms.
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(asked()).toBe(1);
  await store.invoke('chatRestore', id);
  await vi.waitFor(() => expect(titles(chats)).toEqual(['a']));
  chats.current.addUserTurn('b');
  await chats.flush();
  expect(said(await store.invoke('chatGet', id))).toEqual(['a', 'b']);
});

it('opens the chat that was asked for last', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const [a, b] = [await write(chats, 'a'), await write(chats, 'b')];
  const other = await openPage(store);
  let slow: () => void = () => undefined;
  other.line.delay = new Promise((resolve) => (slow = resolve));
  const first = other.chats.select(a.id);
  other.line.delay = Promise.resolve();
  await other.chats.select(b.id);
  slow();
  await first;
  expect(other.chats.current.id).toBe(b.id);
});

it('says which chat is on its way, until it is here, cannot be read, or another one was opened', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const [a, b] = [await write(chats, 'a'), await write(chats, 'b')];
  const { chats: other, line } = await openPage(store);
  let read: () => void = () => undefined;
  line.delay = new Promise((resolve) => (read = resolve));
  const selecting = [other.select(a.id), other.select(a.id)];
  expect(other.comingId).toBe(a.id);
  selecting.push(other.select(b.id));
  expect(other.comingId).toBe(b.id);
  read();
  await Promise.all(selecting);
  expect([other.comingId, other.current.id]).toEqual([null, b.id]);
  line.failure = full();
  const failing = other.select(a.id);
  expect(other.comingId).toBe(a.id);
  await failing;
  expect([other.comingId, other.current.id]).toEqual([null, b.id]);
  line.failure = null;
  const late = other.select(a.id);
  other.create();
  expect(other.comingId).toBeNull();
  await late;
  expect(other.currentId).toBeNull();
});

it('opens a chat once, however often it is selected, and saves what is added to it', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const { id } = await write(chats, 'a');
  const other = await openPage(store);
  // Two clicks, of which the first is not answered yet.
  await Promise.all([other.chats.select(id), other.chats.select(id)]);
  other.chats.current.addUserTurn('b');
  await other.chats.flush();
  expect(said(await store.invoke('chatGet', id))).toEqual(['a', 'b']);
  await vi.waitFor(() => expect(texts(chats.current)).toEqual(['a', 'b']));
});

it('opens a chat with what another page wrote while it was read', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const chat = await write(chats, 'a');
  const other = await openPage(store);
  const read = other.line.invoke.bind(other.line);
  other.line.invoke = async (method, ...params) => {
    const answer = await read(method, ...params);
    if (method === 'chatGet') {
      chat.addUserTurn('b');
      await chats.flush();
    }
    return answer;
  };
  await other.chats.select(chat.id);
  await vi.waitFor(() => expect(texts(other.chats.current)).toEqual(['a', 'b']));
});

it('keeps a new chat off the disk until it has a turn', async () => {
  const store = await openStore(await dataFolder());
  const { chats, line } = await openPage(store);
  await write(chats, 'first');
  chats.create();
  const fresh = chats.current;
  fresh.systemPrompt = 'Be brief.';
  chats.create();
  expect(chats.current).toBe(fresh);
  await chats.flush();
  expect(await store.invoke('chatsList')).toHaveLength(1);
  line.failure = full();
  fresh.addUserTurn('hello');
  // Another window's news must not take the unwritten chat off the list.
  line.failure = null;
  await chats.refresh();
  expect(chats.list[0].id).toBe(fresh.id);
  await chats.flush();
  expect(await store.invoke('chatGet', fresh.id)).toMatchObject({ systemPrompt: 'Be brief.', turns: [{}] });
});

it('leads back to a new chat that was given a system prompt or settings, and opens others beside it', async () => {
  const { chats } = await openPage(await openStore(await dataFolder()));
  const { id } = await write(chats, 'other');
  chats.create();
  const started = chats.current;
  const comesBack = async () => {
    await chats.select(id);
    chats.create();
    return chats.current === started;
  };
  started.systemPrompt = 'Be brief.';
  expect(await comesBack()).toBe(true);
  expect(chats.createBlank().systemPrompt).toBe('');
  expect(await comesBack()).toBe(true);
  started.settings = { sampling: { topK: 3 }, stop: {} };
  started.systemPrompt = '';
  expect(await comesBack()).toBe(true);
  started.settings = null;
  expect(await comesBack()).toBe(false);
});

it('writes what changes together at once, and typed text a little later', async () => {
  const store = await openStore(await dataFolder());
  const { chats, line } = await openPage(store);
  const chat = await write(chats, 'one');
  expect(line.writes()).toHaveLength(1);
  for (const text of ['B', 'Be', 'Be brief.']) chat.systemPrompt = text;
  await vi.waitFor(() => expect(line.writes()).toHaveLength(2));
  expect(line.writes()[1].events).toMatchObject([{ type: 'facts', facts: { systemPrompt: 'Be brief.' } }]);
});

it('renames open and closed chats', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const closed = await write(chats, 'closed');
  const open = await write(chats, 'open');
  await chats.rename(open.id, 'opened');
  await chats.rename(closed.id, 'shut');
  expect(chats.current.title).toBe('opened');
  expect((await store.invoke('chatsList')).map(({ title }) => title).sort()).toEqual(['opened', 'shut']);
  expect(titles(chats).sort()).toEqual(['opened', 'shut']);
});

it('deletes, and brings back on undo', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  await write(chats, 'old');
  const { id } = await write(chats, 'new');
  const undo = await chats.remove(id);
  expect(await store.invoke('chatGet', id)).toBeNull();
  expect(titles(chats)).toEqual(['old']);
  expect(chats.currentId).toBeNull();
  await undo?.();
  expect(titles(chats)).toEqual(['new', 'old']);
  expect(chats.currentId).toBe(id);
  chats.current.addUserTurn('more');
  await chats.flush();
  expect(said(await store.invoke('chatGet', id))).toEqual(['new', 'more']);
});

it('keeps a chat up to date that was restored and opened before the deletion is undone', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const { id } = await write(chats, 'one');
  const undo = await chats.remove(id);
  await store.invoke('chatRestore', id);
  await chats.select(id);
  const shown = chats.current;
  await undo?.();
  expect(chats.current).toBe(shown);
  const other = await openPage(store);
  await other.chats.select(id);
  other.chats.current.addUserTurn('two');
  await other.chats.flush();
  await vi.waitFor(() => expect(texts(shown)).toEqual(['one', 'two']));
});

it('keeps the chat on the screen that was opened while another one was deleted', async () => {
  const store = await openStore(await dataFolder());
  const { chats, line } = await openPage(store);
  const kept = await write(chats, 'kept');
  const gone = await write(chats, 'gone');
  let deleted: () => void = () => undefined;
  line.delay = new Promise((resolve) => (deleted = resolve));
  const removing = chats.remove(gone.id);
  await vi.waitFor(() => expect(line.calls.at(-1)?.method).toBe('chatDelete'));
  line.delay = Promise.resolve();
  await chats.select(kept.id);
  deleted();
  const undo = await removing;
  expect(chats.current.id).toBe(kept.id);
  await undo?.();
  expect(chats.current.id).toBe(kept.id);
  expect(titles(chats).sort()).toEqual(['gone', 'kept']);
});

it('does not show a chat that was deleted while it was read', async () => {
  const store = await openStore(await dataFolder());
  const { chats, line } = await openPage(store);
  const gone = await write(chats, 'gone');
  const kept = await write(chats, 'kept');
  let read: () => void = () => undefined;
  const isRead = new Promise<void>((resolve) => (read = resolve));
  const invoke = line.invoke.bind(line);
  line.invoke = async (method, ...params) => {
    const answer = await invoke(method, ...params);
    if (method === 'chatGet') await isRead;
    return answer;
  };
  const selecting = chats.select(gone.id);
  await chats.remove(gone.id);
  read();
  await selecting;
  expect(chats.current).toBe(kept);
});

it('reports the chats that were deleted, and only those', async () => {
  const line = new PageLine(await openStore(await dataFolder()));
  const deleted: string[] = [];
  const chats = new ChatsState(line, (id) => deleted.push(id));
  const { id } = await write(chats, 'one');
  line.failure = full();
  await chats.remove(id);
  expect(deleted).toEqual([]);
  line.failure = null;
  await chats.remove(id);
  expect(deleted).toEqual([id]);
  await chats.purge([id]);
  expect(deleted).toEqual([id, id]);
  expect(await line.invoke('chatsDeleted')).toEqual([]);
});

it('searches, and forgets answers that come too late', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  await write(chats, 'old');
  await write(chats, 'new');
  chats.search = 'ol';
  await vi.waitFor(() => expect(chats.found?.map((chat) => chat.title)).toEqual(['old']));
  expect(announcements.text.trim()).toBe('1 result');
  chats.search = ' ';
  expect(chats.found).toBeNull();
});

it('repeats a search on the screen when chats change', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const other = await openPage(store);
  chats.search = 'needle';
  await vi.waitFor(() => expect(chats.found).toEqual([]));
  const chat = await write(other.chats, 'A needle');
  await vi.waitFor(() => expect(chats.found?.map(({ title }) => title)).toEqual(['A needle']));
  chat.addUserTurn('Hay');
  await other.chats.rename(chat.id, 'Hay');
  await vi.waitFor(() => expect(chats.found?.[0].hit).toMatchObject({ before: 'A ', match: 'needle' }));
  // Only what was searched for is announced.
  expect(announcements.text.trim()).toBe('No results');
  await other.chats.remove(chat.id);
  await vi.waitFor(() => expect(chats.found).toEqual([]));
});

it('says why something could not be done, until that very thing works', async () => {
  const { chats, line } = await openPage(await openStore(await dataFolder()));
  const { id } = await write(chats, 'one');
  line.failure = full();
  expect(await chats.remove(id)).toBeNull();
  expect(chats.error).toContain('The disk is full.');
  line.failure = null;
  await chats.refresh();
  expect(chats.error).toContain('The disk is full.');
  expect(await chats.remove(id)).not.toBeNull();
  expect(chats.error).toBeNull();
});

it('stores replies as they are and restores them, interrupted ones too', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const chat = await write(chats, 'story');
  const reply = chat.addReply(REPLY_FACTS);
  chats.follow(chat, reply);
  reply.begin({});
  reply.append(Array.from({ length: 150 }, (_, index) => token(index)));
  await chats.flush();
  const stored = await store.invoke('chatGet', chat.id);
  const restored = ChatDocument.from(stored!);
  expect(restored.lastReply).toMatchObject({ text: reply.text, count: 150, interrupted: true, parent: reply.parent });
  expect(restored.lastReply?.token(149)).toEqual({ ...reply.token(149), logprob: expect.closeTo(Math.log(0.5), 5) });
  const other = await openPage(store);
  await other.chats.select(chat.id);
  await vi.waitFor(() => expect(other.chats.current.lastReply?.detailsOf(3)).toMatchObject({ piece: 't3' }));
});

it('keeps the text of a stored reply whose tokens are not known', () => {
  const turn = { id: 'r', parent: null, role: 'assistant', createdAt: '', facts: REPLY_FACTS } as const;
  const tokens = { ids: [NO_TOKEN], lengths: [13], parts: [0], logprobs: [0], latencies: [0] };
  const restored = ChatDocument.from({
    ...{ ...NO_FACTS, id: 'c', head: 'r', createdAt: '', updatedAt: '' },
    ...{ revision: 1, removed: [], turns: [{ ...turn, text: 'What was said', tokens }] },
  });
  expect(restored.messages().at(-1)?.message.text).toBe('What was said');
});

it('shows a chat whose turns share an id', () => {
  const turn = { id: 'u', parent: null, role: 'user', text: 'one', createdAt: '' } as const;
  const chat = ChatDocument.from({
    ...{ ...NO_FACTS, id: 'c', head: 'u', createdAt: '', updatedAt: '' },
    ...{ revision: 2, removed: [], turns: [turn, { ...turn, text: 'two' }] },
  });
  expect(texts(chat)).toEqual(['one']);
});

it('leaves the list as it is while its newest chat grows', async () => {
  const { chats } = await openPage(await openStore(await dataFolder()));
  await write(chats, 'old');
  const chat = await write(chats, 'new');
  const before = chats.list;
  await answer(chats, 3);
  expect(chats.list).toBe(before);
  await chats.select(before[1].id);
  chats.current.addUserTurn('more');
  expect(titles(chats)).toEqual(['old', 'new']);
  expect(chat.saveState).toBe('saved');
});

it('keeps every version of a turn and goes down to its newest end', async () => {
  const store = await openStore(await dataFolder());
  const { chats } = await openPage(store);
  const chat = await write(chats, 'one');
  await answer(chats, 1);
  const first = chat.lastReply!;
  chat.addUserTurn('two');
  await answer(chats, 2);
  const second = chat.addReply(REPLY_FACTS, first.parent);
  expect(chat.path.at(-1)).toBe(second);
  expect(chat.versionsOf(second)).toEqual([first.id, second.id]);
  chat.showVersion(second, 0);
  expect(texts(chat)).toEqual(['one', 't0', 'two', 't0 t1']);
  chat.showVersion(first, 1);
  expect(chat.path).toHaveLength(2);
  chat.showVersion(second, 5);
  expect(chat.path.at(-1)).toBe(second);
  await chats.flush();
  expect(await store.invoke('chatGet', chat.id)).toMatchObject({ head: second.id, turns: [{}, {}, {}, {}, {}] });
});

it('keeps turns that a person deleted out of the path until they are restored', () => {
  const chat = ChatDocument.create();
  const first = chat.addUserTurn('one');
  const second = chat.addUserTurn('two');
  const at = new Date().toISOString();
  chat.receive([{ type: 'remove', turn: second.id, at }]);
  expect(chat.path).toEqual([first]);
  chat.receive([{ type: 'restore', turn: second.id, at }]);
  expect(chat.path).toEqual([first, second]);
  expect(first).toBeInstanceOf(UserTurn);
});
