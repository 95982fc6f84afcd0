import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { AppMethods, AppServices } from '../../../../src-main/protocol/app/app-services.ts';
import type { StoredChat } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { ChatDocument } from './chat-document.svelte.ts';
import { ChatsState } from './chats.svelte.ts';
import { REPLY_FACTS, token } from '../test-support/fakes.ts';
import { dataFolder, openStore, PageLine } from '../test-support/store.ts';

interface Page {
  line: PageLine;
  chats: ChatsState;
}

async function openPage(store: AppServices, chatId?: string): Promise<Page> {
  const line = new PageLine(store);
  const chats = new ChatsState(line);
  await chats.refresh();
  if (chatId !== undefined) await chats.select(chatId);
  return { line, chats };
}

async function write(chats: ChatsState, text: string): Promise<ChatDocument> {
  chats.create();
  chats.current.title = text;
  chats.current.addUserTurn(text);
  await chats.flush();
  return chats.current;
}

/** Begins a reply in the shown chat; `grow` adds tokens, `end` ends it. */
function begin({ chats }: Page) {
  const chat = chats.current;
  const reply = chat.addReply(REPLY_FACTS);
  const following = chats.follow(chat, reply);
  reply.begin({});
  return {
    reply,
    grow(count: number) {
      const from = reply.count;
      reply.append(Array.from({ length: count }, (_, index) => token(from + index)));
      following.grew();
    },
    end() {
      reply.failed({ reason: 'max_tokens', maxTokens: 2 });
      following.ended();
    },
  };
}

const texts = (chat: ChatDocument) => chat.path.map((turn) => turn.text);
const said = (stored: StoredChat | null) => stored?.turns.map(({ text }) => text) ?? [];
const full = () => new EngineError('STORAGE', 'The disk is full. Free some space.');
const wordsOf = (count: number) => Array.from({ length: count }, (_, index) => token(index).text).join('');

describe('two pages on one chat', () => {
  it('see each other’s turns at once and keep all of them', async () => {
    const store = await openStore(await dataFolder());
    const a = await openPage(store);
    const { id } = await write(a.chats, 'one');
    const b = await openPage(store, id);
    a.chats.current.addUserTurn('from a');
    await a.chats.flush();
    await vi.waitFor(() => expect(texts(b.chats.current)).toEqual(['one', 'from a']));
    b.chats.current.addUserTurn('from b');
    await b.chats.flush();
    await vi.waitFor(() => expect(texts(a.chats.current)).toEqual(['one', 'from a', 'from b']));
    expect(said(await store.invoke('chatGet', id))).toEqual(['one', 'from a', 'from b']);
  });

  it('keep both turns that were sent at the same time, each as a version of the other', async () => {
    const store = await openStore(await dataFolder());
    const a = await openPage(store);
    const { id } = await write(a.chats, 'one');
    const b = await openPage(store, id);
    a.chats.current.addUserTurn('from a');
    b.chats.current.addUserTurn('from b');
    await Promise.all([a.chats.flush(), b.chats.flush()]);
    for (const { chats } of [a, b]) {
      await vi.waitFor(() => expect(chats.current.versionsOf(chats.current.path[1])).toHaveLength(2));
    }
    expect(texts(a.chats.current)).toEqual(['one', 'from a']);
    expect(texts(b.chats.current)).toEqual(['one', 'from b']);
    expect(said(await store.invoke('chatGet', id)).sort()).toEqual(['from a', 'from b', 'one']);
    const own = a.chats.current.path[1];
    a.chats.current.showVersion(own, a.chats.current.versionsOf(own)[0] === own.id ? 1 : 0);
    expect(texts(a.chats.current)).toEqual(['one', 'from b']);
  });

  it('stay where they are when the other one goes on elsewhere', async () => {
    const store = await openStore(await dataFolder());
    const a = await openPage(store);
    const { id } = await write(a.chats, 'one');
    const first = begin(a);
    first.grow(1);
    first.end();
    await a.chats.flush();
    const b = await openPage(store, id);
    b.chats.current.addUserTurn('from b');
    await b.chats.flush();
    await vi.waitFor(() => expect(a.chats.current.path).toHaveLength(3));
    // A answers the first turn again: b keeps what it shows.
    a.chats.current.addReply(REPLY_FACTS, first.reply.parent);
    await a.chats.flush();
    await vi.waitFor(() => expect(b.chats.current.versionsOf(b.chats.current.path[1])).toHaveLength(2));
    expect(texts(b.chats.current)).toEqual(['one', 't0', 'from b']);
  });

  it('show a reply that the other one writes while it grows', async () => {
    const store = await openStore(await dataFolder());
    const a = await openPage(store);
    const { id } = await write(a.chats, 'one');
    const b = await openPage(store, id);
    const writing = begin(a);
    writing.grow(3);
    await vi.waitFor(() => expect(b.chats.current.lastReply?.text).toBe(wordsOf(3)));
    expect(b.chats.current.lastReply?.interrupted).toBe(false);
    writing.grow(2);
    await vi.waitFor(() => expect(b.chats.current.lastReply?.text).toBe(wordsOf(5)));
    writing.end();
    await vi.waitFor(() => expect(b.chats.current.lastReply?.stop?.reason).toBe('max_tokens'));
    expect(b.chats.current.lastReply?.text).toBe(writing.reply.text);
  });

  it('work in two processes on one folder', async () => {
    const folder = await dataFolder();
    const a = await openPage(await openStore(folder, 'electron'));
    const { id } = await write(a.chats, 'one');
    const web = await openStore(folder, 'web');
    const b = await openPage(web, id);
    b.chats.current.addUserTurn('from b');
    a.chats.current.addUserTurn('from a');
    await Promise.all([a.chats.flush(), b.chats.flush()]);
    expect([a.chats.unsaved, b.chats.unsaved]).toEqual([[], []]);
    const seen = (chats: ChatsState) => chats.current.versionsOf(chats.current.path[1]);
    await vi.waitFor(() => expect(seen(a.chats)).toHaveLength(2));
    await vi.waitFor(() => expect(seen(b.chats)).toEqual(seen(a.chats)));
    expect(said(await web.invoke('chatGet', id)).sort()).toEqual(['from a', 'from b', 'one']);
  });

  it('get what they missed, or read the chat again where that is not known any more', async () => {
    const store = await openStore(await dataFolder());
    const a = await openPage(store);
    const { id } = await write(a.chats, 'one');
    const b = await openPage(store, id);
    b.line.failure = full();
    b.chats.current.addUserTurn('from b');
    await b.chats.flush();
    for (const text of ['two', 'three']) a.chats.current.addUserTurn(text);
    await a.chats.flush();
    b.line.failure = null;
    // A store that does not know any more what came after a revision says null.
    const { services } = b.line;
    b.line.services = {
      onEvent: (listener) => services.onEvent(listener),
      invoke: async (method, ...params) => {
        const result = await services.invoke(method, ...params);
        return method === 'chatWrite' ? { ...(result as object), missed: null } : (result as never);
      },
    } as AppServices;
    await b.chats.flush();
    expect(b.chats.unsaved).toEqual([]);
    expect(texts(b.chats.current)).toEqual(['one', 'from b']);
    expect(b.chats.current.versionsOf(b.chats.current.path[1])).toHaveLength(2);
    expect(said(await store.invoke('chatGet', id)).sort()).toEqual(['from b', 'one', 'three', 'two']);
  });
});

/** Two pages with one chat, of which the second has not heard of what the first wrote and asks for it. */
async function catchingUp(change: (chat: ChatDocument) => void, forgets: boolean) {
  const store = await openStore(await dataFolder());
  const a = await openPage(store);
  const { id } = await write(a.chats, 'one');
  a.chats.current.addUserTurn('two');
  await a.chats.flush();
  const b = await openPage(store, id);
  const { services } = b.line;
  b.line.services = {
    onEvent: (listener) => services.onEvent(listener),
    invoke: async (method, ...params) =>
      method === 'chatSince' && forgets ? (null as never) : await services.invoke(method, ...params),
  } as AppServices;
  let answer: () => void = () => undefined;
  b.line.delay = new Promise((resolve) => (answer = resolve));
  b.chats.catchUp();
  await vi.waitFor(() => expect(b.line.calls.at(-1)?.method).toBe('chatSince'));
  change(a.chats.current);
  await a.chats.flush();
  return {
    chat: b.chats.current,
    finish: async () => {
      answer();
      await b.chats.flush();
      return await store.invoke('chatGet', id);
    },
  };
}

describe('a page that catches up', () => {
  it.each([false, true])('keeps what it changes meanwhile (read again: %s)', async (forgets) => {
    const { chat, finish } = await catchingUp((theirs) => {
      theirs.systemPrompt = 'from a';
      theirs.title = 'from a';
    }, forgets);
    chat.systemPrompt = 'from b';
    const stored = await finish();
    expect([stored?.systemPrompt, stored?.title]).toEqual(['from b', 'from a']);
    expect([chat.systemPrompt, chat.title]).toEqual(['from b', 'from a']);
  });

  it.each([false, true])('keeps what it deletes and restores meanwhile (read again: %s)', async (forgets) => {
    const { chat, finish } = await catchingUp((theirs) => {
      theirs.change(theirs.remove(theirs.path[1]));
      theirs.remove(theirs.path[0]);
    }, forgets);
    const [one, two] = chat.path;
    chat.remove(two);
    chat.change(chat.remove(one));
    const stored = await finish();
    expect(stored?.removed).toEqual([two.id]);
    expect(texts(chat)).toEqual(['one']);
  });
});

describe('a chat that cannot be written', () => {
  it('stays, says why, and is written when that is over, whatever else works meanwhile', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    const other = await write(page.chats, 'other');
    const chat = await write(page.chats, 'mine');
    page.line.fullDisk = full();
    chat.addUserTurn('not lost');
    await page.chats.flush();
    expect(chat.saveState).toEqual({ problem: 'The disk is full. Free some space.' });
    expect(page.chats.unsaved).toEqual([{ id: chat.id, title: 'mine', problem: 'The disk is full. Free some space.' }]);
    await page.chats.select(other.id);
    expect(page.chats.current.id).toBe(other.id);
    await page.chats.refresh();
    expect(page.chats.unsaved).toHaveLength(1);
    await page.chats.select(chat.id);
    expect(page.chats.current).toBe(chat);
    page.line.fullDisk = null;
    await page.chats.retry(chat.id);
    expect(page.chats.unsaved).toEqual([]);
    expect(chat.saveState).toBe('saved');
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['mine', 'not lost']);
  });

  it('is tried again by itself', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    page.line.failure = full();
    const chat = await write(page.chats, 'new');
    page.chats.create();
    await page.chats.refresh();
    expect(page.chats.list.map(({ title }) => title)).toEqual(['new']);
    page.line.failure = null;
    await vi.waitFor(() => expect(page.chats.unsaved).toEqual([]));
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['new']);
  });

  it('keeps a whole reply, which comes after it', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    const chat = await write(page.chats, 'one');
    const writing = begin(page);
    writing.grow(2);
    await page.chats.flush();
    page.line.failure = full();
    writing.grow(6000);
    await page.chats.flush();
    writing.grow(3000);
    writing.end();
    await page.chats.flush();
    expect(page.chats.unsaved).toHaveLength(1);
    page.line.failure = null;
    await page.chats.flush();
    const stored = await store.invoke('chatGet', chat.id);
    expect(said(stored)).toEqual(['one', writing.reply.text]);
    expect(stored?.turns[1]).toMatchObject({ facts: { stop: { reason: 'max_tokens' } } });
    const largest = Math.max(...page.line.writes().map(({ events }) => countTokens(events)));
    expect(largest).toBeLessThanOrEqual(4096);
  });

  it('is sent again when the answer was lost, and nothing is there twice', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    const chat = await write(page.chats, 'one');
    page.line.lostAnswer = full();
    const writing = begin(page);
    writing.grow(4);
    await page.chats.flush();
    page.line.lostAnswer = null;
    writing.grow(2);
    writing.end();
    await page.chats.flush();
    expect(texts(chat)).toEqual(['one', wordsOf(6)]);
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['one', wordsOf(6)]);
  });

  it('is written in order however slow the store is, also after going elsewhere and back', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    const other = await write(page.chats, 'other');
    const chat = await write(page.chats, 'one');
    let go: () => void = () => undefined;
    page.line.delay = new Promise((resolve) => (go = resolve));
    chat.addUserTurn('two');
    await vi.waitFor(() => expect(page.line.writes().at(-1)?.events).toMatchObject([{ turn: { text: 'two' } }, {}]));
    const selecting = page.chats.select(other.id);
    await page.chats.select(chat.id);
    expect(page.chats.current).toBe(chat);
    chat.addUserTurn('three');
    go();
    await selecting;
    await page.chats.flush();
    expect(page.chats.current).toBe(chat);
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['one', 'two', 'three']);
  });

  it('that another window deleted is not lost, and comes back when a person wants it', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    const chat = await write(page.chats, 'one');
    await store.invoke('chatDelete', chat.id);
    chat.addUserTurn('two');
    await page.chats.flush();
    expect(page.chats.unsaved[0]?.problem).toContain('deleted in another window');
    expect(await store.invoke('chatGet', chat.id)).toBeNull();
    await page.chats.retry(chat.id);
    expect(page.chats.unsaved).toEqual([]);
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['one', 'two']);
  });

  it('can be deleted, and undo brings back what was never written', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    page.line.failure = full();
    const chat = await write(page.chats, 'never written');
    const undo = await page.chats.remove(chat.id);
    expect(page.chats.list).toEqual([]);
    expect(page.chats.unsaved).toEqual([]);
    page.line.failure = null;
    await undo?.();
    await page.chats.flush();
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['never written']);
  });
});

describe('what is written', () => {
  it('is only what is new, however long the reply is', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    await write(page.chats, 'one');
    const sizes: number[] = [];
    const writing = begin(page);
    for (const until of [100, 20_000]) {
      writing.grow(until - writing.reply.count);
      await page.chats.flush();
      const before = page.line.writes().length;
      writing.grow(1);
      await page.chats.flush();
      const [added] = page.line.writes().slice(before);
      sizes.push(JSON.stringify(added).length);
      expect(countTokens(added.events)).toBe(1);
    }
    // A few more digits in numbers.
    expect(sizes[1] - sizes[0]).toBeLessThan(60);
    expect(page.line.calls.filter(({ method }) => method === 'chatGet')).toHaveLength(0);
    writing.end();
  });

  it('goes out twice a second while a reply runs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    onTestFinished(() => void vi.useRealTimers());
    // Writes take no time.
    const instant: AppServices = {
      onEvent: () => () => undefined,
      invoke: async (method, ...params) => {
        if (method !== 'chatWrite') return [] as never;
        const [{ base, events }] = params as readonly unknown[] as AppMethods['chatWrite']['params'];
        return { revision: base + events.length, missed: [] } as never;
      },
    };
    const page = await openPage(instant);
    const chat = await write(page.chats, 'one');
    const writing = begin(page);
    await page.chats.flush();
    const before = page.line.writes().length;
    for (let step = 0; step < 25; step++) {
      writing.grow(1);
      await vi.advanceTimersByTimeAsync(50);
    }
    const writes = page.line.writes().slice(before);
    expect(writes.map(({ events }) => countTokens(events))).toEqual([10, 10]);
    writing.end();
    await page.chats.flush();
    // Together, the writes hold the whole reply.
    vi.useRealTimers();
    const store = await openStore(await dataFolder());
    for (const written of page.line.writes()) await store.invoke('chatWrite', written);
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['one', wordsOf(25)]);
  });

  it('is sent once more, small, when the page ends', async () => {
    const store = await openStore(await dataFolder());
    const page = await openPage(store);
    const chat = await write(page.chats, 'one');
    const writing = begin(page);
    writing.grow(5);
    page.chats.flushLast();
    const last = page.line.writes().at(-1)!;
    expect(last.details).toEqual([]);
    await vi.waitFor(async () => expect(said(await store.invoke('chatGet', chat.id))).toEqual(['one', wordsOf(5)]));
    writing.end();
    await page.chats.flush();
    expect(said(await store.invoke('chatGet', chat.id))).toEqual(['one', wordsOf(5)]);
  });
});

function countTokens(events: readonly { type: string; tokens?: { ids: unknown[] } }[]): number {
  return events.reduce((sum, { tokens }) => sum + (tokens?.ids.length ?? 0), 0);
}
