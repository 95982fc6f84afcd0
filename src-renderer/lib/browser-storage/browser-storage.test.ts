import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppEvent } from '../../../src-main/protocol/app/app-services.ts';
import { defaultSettings } from '../../../src-main/protocol/app/settings-schemas.ts';
import { newReplyFacts, type ChatEvent, type ChatWrite } from '../../../src-main/protocol/app/chats/chat.ts';
import { encodeUpdate, notebookText, textOfUpdates } from '../../../src-main/protocol/app/chats/notebook.ts';
import type { StoredComparison } from '../../../src-main/protocol/app/comparisons/comparison.ts';
import { BrowserChats } from './browser-chats.ts';
import { BrowserComparisons } from './browser-comparisons.ts';
import { browserServices, type SiteFacts } from './browser-services.ts';
import { BrowserSettings } from './browser-settings.ts';
import { Database } from './database.ts';
import { LastCalls } from './last-calls.ts';

const at = (second: number) => `2026-11-27T12:00:${String(second).padStart(2, '0')}.000Z`;
const events: AppEvent[] = [];
const emit = (event: AppEvent) => void events.push(event);

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  events.length = 0;
});

const facts = newReplyFacts({ sampling: {} as never, executor: 'wasm' });
const title = (text: string, second = 0): ChatEvent => ({ type: 'facts', facts: { title: text }, at: at(second) });
const question = (id: string, parent: string | null, text: string): ChatEvent => ({
  type: 'turn',
  turn: { id, parent, role: 'user', text, createdAt: at(1) },
  at: at(1),
});
const reply = (id: string, parent: string): ChatEvent => ({
  type: 'turn',
  turn: { id, parent, role: 'assistant', createdAt: at(2), facts },
  at: at(2),
});
const tokens = (turn: string, from: number, words: string[]): ChatEvent => ({
  type: 'tokens',
  turn,
  from,
  text: words.join(''),
  at: at(3),
  tokens: {
    ids: words.map((_, index) => index),
    lengths: words.map(({ length }) => length),
    parts: words.map(() => 0),
    logprobs: words.map(() => -1),
    latencies: words.map(() => 2),
  },
});
const write = (base: number, list: ChatEvent[], more: Partial<ChatWrite> = {}): ChatWrite => ({
  ...{ id: 'chat', base, origin: 'page', events: list, details: [] },
  ...more,
});

const FIRST = [title('Cats'), question('q', null, 'Once'), reply('r', 'q'), tokens('r', 0, ['upon', ' A time'])];

describe('chats', () => {
  it('are read as they were written, also by a new page', async () => {
    const chats = new BrowserChats(new Database(), emit);
    expect(await chats.get('chat')).toBeNull();
    expect(await chats.write(write(0, FIRST))).toEqual({ revision: 4, missed: [] });
    const again = new BrowserChats(new Database(), emit);
    expect(await again.list()).toMatchObject([{ id: 'chat', title: 'Cats', turns: 2, updatedAt: at(3) }]);
    const chat = await again.get('chat');
    expect(chat).toMatchObject({ title: 'Cats', revision: 4, createdAt: at(0) });
    expect(chat?.turns).toMatchObject([{ text: 'Once' }, { text: 'upon A time', tokens: { ids: [0, 1] } }]);
    expect(events).toMatchObject([{ type: 'chats' }, { type: 'chat', from: 0, revision: 4, origin: 'page' }]);
  });

  it('are listed without reading facts and tokens of replies', async () => {
    const database = new Database();
    await new BrowserChats(database, emit).write(write(0, FIRST));
    const [{ outline }] = await database.run(['chats'], 'readonly', ({ chats }) => chats.all());
    const empty = { role: 'user', text: '' };
    expect(outline.turns).toEqual([
      { id: 'q', parent: null, createdAt: at(1), ...empty },
      { id: 'r', parent: 'q', createdAt: at(2), ...empty },
    ]);
  });

  it('give each page what others wrote, and a repeated write changes nothing', async () => {
    const chats = new BrowserChats(new Database(), emit);
    await chats.write(write(0, FIRST));
    const other = tokens('r', 2, [' there']);
    await chats.write(write(4, [other], { origin: 'other' }));
    expect(await chats.write(write(4, [title('Dogs', 5)]))).toEqual({ revision: 6, missed: [other] });
    expect(await chats.since('chat', 3)).toEqual({ revision: 6, events: [FIRST[3], other, title('Dogs', 5)] });
    await chats.write(write(6, [other]));
    expect((await chats.get('chat'))?.turns[1]?.text).toBe('upon A time there');
    await expect(chats.write(write(3, [other], { id: 'none' }))).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
  });

  it('stay the same when their many writes become a snapshot', async () => {
    const chats = new BrowserChats(new Database(), emit);
    await chats.write(write(0, FIRST));
    for (let token = 2; token < 302; token++) await chats.write(write(token + 2, [tokens('r', token, [' x'])]));
    const before = await chats.get('chat');
    // The snapshot is written in the background.
    await expect.poll(async () => await chats.since('chat', 10)).toBeNull();
    expect(await chats.get('chat')).toEqual(before);
    expect(before?.revision).toBe(304);
    await chats.write(write(304, [tokens('r', 302, [' end'])]));
    expect((await chats.get('chat'))?.turns[1]?.text.endsWith(' x end')).toBe(true);
    expect((await chats.since('chat', 304))?.events).toHaveLength(1);
  });

  it('keep details of tokens', async () => {
    const chats = new BrowserChats(new Database(), emit);
    const detail = (rank: number) => ({ piece: 'p', rank, sampledProbability: 0.5, survivors: 1, candidates: [] });
    const details = [{ turn: 'r', from: 0, details: Array.from({ length: 150 }, (_, index) => detail(index)) }];
    await chats.write(write(0, FIRST, { details }));
    const read = await chats.details({ id: 'chat', turn: 'r', from: 60, count: 100 });
    expect(read.slice(0, 90)).toEqual(Array.from({ length: 90 }, (_, index) => detail(60 + index)));
    expect(read.slice(90)).toEqual(new Array(10).fill(null));
  });

  it('are found by title and text, without removed turns', async () => {
    const chats = new BrowserChats(new Database(), emit);
    await chats.write(write(0, FIRST));
    expect(await chats.search('cats')).toMatchObject([{ id: 'chat', hit: null }]);
    expect(await chats.search('a TIME')).toMatchObject([{ hit: { turn: 'r', before: 'upon ', match: 'A time' } }]);
    const others = [question('q2', null, 'Twice'), reply('r2', 'q2'), reply('r3', 'q2')];
    await chats.write(write(4, others));
    expect(await chats.list()).toMatchObject([{ turns: 5, branches: 3 }]);
    await chats.write(write(7, [{ type: 'remove', turn: 'q', at: at(4) }]));
    expect(await chats.search('a time')).toEqual([]);
    expect(await chats.list()).toMatchObject([{ turns: 3, branches: 2 }]);
    await chats.write(write(8, [{ type: 'remove', turn: 'r2', at: at(5) }]));
    const [{ branches }] = await chats.list();
    expect(branches).toBeUndefined();
  });

  it('may be notebooks: listed as such, found by their text, and the same as a snapshot', async () => {
    const document = new Y.Doc();
    const updates: ChatEvent[] = [];
    document.on('update', (update: Uint8Array) =>
      updates.push({ type: 'update', update: encodeUpdate(update), at: at(1) }),
    );
    const text = notebookText(document);
    text.insert(0, 'Once upon a time');
    const chats = new BrowserChats(new Database(), emit);
    await chats.write(write(0, [title('Story'), ...updates]));
    expect(events.at(-1)).toMatchObject({ type: 'chat', summary: { notebook: true } });
    const again = new BrowserChats(new Database(), emit);
    expect(await again.list()).toMatchObject([{ id: 'chat', notebook: true, turns: 0 }]);
    expect(textOfUpdates((await again.get('chat'))?.updates ?? [])).toBe('Once upon a time');
    expect(await again.search('UPON A')).toMatchObject([
      { notebook: true, hit: { turn: 'notebook', match: 'upon a' } },
    ]);
    expect(await again.hit({ id: 'chat', turn: 'notebook', query: 'upon' })).toMatchObject({ match: 'upon' });

    for (let base = 2; base < 300; base++) {
      text.insert(0, 'x');
      await chats.write(write(base, updates.slice(-1)));
    }
    expect((await chats.get('chat'))?.updates).toHaveLength(299);
    // The snapshot is written in the background.
    await expect.poll(async () => (await chats.get('chat'))?.updates).toHaveLength(1);
    expect(textOfUpdates((await again.get('chat'))?.updates ?? [])).toBe(text.toString());
    expect(await again.list()).toMatchObject([{ notebook: true }]);
  });

  it('come back after they were deleted, until they are purged', async () => {
    const chats = new BrowserChats(new Database(), emit);
    await chats.write(write(0, FIRST));
    await chats.delete('chat');
    expect(await chats.list()).toEqual([]);
    expect(await chats.get('chat')).toBeNull();
    await expect(chats.write(write(0, FIRST))).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
    await chats.restore('chat');
    expect(await chats.get('chat')).toMatchObject({ revision: 4 });
    await chats.delete('chat');
    await chats.purge(Date.now() + 31 * 24 * 60 * 60 * 1000);
    await expect(chats.restore('chat')).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
  });
});

describe('deleted chats', () => {
  it('are listed, and deleted for good one by one', async () => {
    const database = new Database();
    const chats = new BrowserChats(database, emit);
    const detail = { piece: 'p', rank: 1, sampledProbability: 0.5, survivors: 1, candidates: [] };
    for (const id of ['live', 'kept', 'gone']) {
      await chats.write(
        write(0, [...FIRST, title(id, 4)], { id, details: [{ turn: 'r', from: 0, details: [detail] }] }),
      );
    }
    expect(await chats.deleted()).toEqual([]);
    await chats.delete('kept');
    await chats.delete('gone');
    const listed = await chats.deleted();
    expect(listed.map(({ title: name, turns }) => [name, turns]).toSorted()).toEqual([
      ['gone', 2],
      ['kept', 2],
    ]);
    const [{ deletedAt, keptUntil }] = listed;
    expect(Date.parse(keptUntil) - Date.parse(deletedAt)).toBe(30 * 24 * 60 * 60 * 1000);
    events.length = 0;
    await chats.purgeChats(['gone', 'live', 'nobody']);
    expect(events).toEqual([{ type: 'chats' }]);
    expect(await chats.deleted()).toMatchObject([{ id: 'kept' }]);
    await expect(chats.restore('gone')).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
    const left = await database.run(['batches', 'details'], 'readonly', async ({ batches, details }) => [
      ...(await batches.all()),
      ...(await details.all()),
    ]);
    expect(left.filter(({ chat }) => chat === 'gone')).toEqual([]);
    expect(left.filter(({ chat }) => chat === 'live')).toHaveLength(2);
    await chats.restore('kept');
    expect((await chats.list()).map(({ title: name }) => name).toSorted()).toEqual(['kept', 'live']);
  });

  it('are not listed any more after 30 days', async () => {
    const database = new Database();
    const chats = new BrowserChats(database, emit);
    await chats.write(write(0, FIRST));
    await chats.delete('chat');
    const deletedAt = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000).toISOString();
    await database.run(['chats'], 'readwrite', async (tables) => {
      const record = await tables.chats.get('chat');
      if (record !== undefined) await tables.chats.put({ ...record, deletedAt });
    });
    expect(await chats.deleted()).toEqual([]);
  });
});

describe('runs of Compare', () => {
  const run = (revision: number, text = 'Once'): StoredComparison => ({
    format: 1,
    id: 'run',
    title: text,
    createdAt: at(0),
    updatedAt: at(revision),
    revision,
    prompt: { kind: 'text', text },
    lanes: [],
    pinned: null,
    votes: [],
  });

  it('are replaced as a whole, or saved as a copy if someone else changed them', async () => {
    const runs = new BrowserComparisons(new Database(), emit);
    expect(await runs.write({ comparison: run(0), origin: 'page' })).toEqual({ id: 'run', revision: 1 });
    expect(await runs.write({ comparison: run(1, 'Twice'), origin: 'other' })).toEqual({ id: 'run', revision: 2 });
    const copy = await runs.write({ comparison: run(1, 'Mine'), origin: 'page' });
    expect(copy.id).not.toBe('run');
    expect(await runs.read('run')).toMatchObject({ title: 'Twice', revision: 2 });
    expect(await runs.read(copy.id)).toMatchObject({ title: 'Mine (copy)', revision: 1 });
    expect(await runs.list()).toHaveLength(2);
    await runs.delete('run');
    expect(await runs.read('run')).toBeNull();
    expect(await runs.list()).toHaveLength(1);
    await runs.restore('run');
    expect(await runs.read('run')).toMatchObject({ title: 'Twice' });
    await expect(runs.restore('none')).rejects.toMatchObject({ code: 'COMPARISON_NOT_FOUND' });
  });
});

describe('settings', () => {
  it('are merged by key, whichever tab writes', async () => {
    const [one, two] = [new BrowserSettings(new Database(), emit), new BrowserSettings(new Database(), emit)];
    expect(await one.get()).toEqual(defaultSettings());
    await one.set({ theme: 'dark' });
    await two.set({ tokensView: true });
    expect(await one.get()).toMatchObject({ theme: 'dark', tokensView: true });
    expect(events).toMatchObject([{ type: 'settings' }, { type: 'settings', settings: { theme: 'dark' } }]);
  });

  it('take effect when they cannot be saved, and are saved later', async () => {
    const database = new Database();
    const settings = new BrowserSettings(database, emit);
    vi.spyOn(database, 'run').mockRejectedValueOnce(new EngineError('STORAGE', 'Full.'));
    await expect(settings.set({ theme: 'dark' })).rejects.toMatchObject({ code: 'STORAGE' });
    expect((await settings.get()).theme).toBe('dark');
    await settings.set({ tokensView: true });
    expect(await new BrowserSettings(new Database(), emit).get()).toMatchObject({ theme: 'dark', tokensView: true });
  });
});

it('a transaction that fails changes nothing, and says why', async () => {
  const database = new Database();
  const failing = database.run(['values'], 'readwrite', async ({ values }) => {
    await values.put({ key: 'a', value: 1 });
    throw new DOMException('no room', 'QuotaExceededError');
  });
  await expect(failing).rejects.toMatchObject({ code: 'STORAGE', message: expect.stringMatching(/is full/) as string });
  expect(await database.run(['values'], 'readonly', ({ values }) => values.get('a'))).toBeUndefined();
});

/** As of a browser: keys are properties. */
function storageOf(stored: Map<string, string>): Storage {
  return new Proxy({} as Storage, {
    ownKeys: () => [...stored.keys()],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_target, name) =>
      ({
        setItem: (key: string, value: string) => void stored.set(key, value),
        getItem: (key: string) => stored.get(key) ?? null,
        removeItem: (key: string) => void stored.delete(key),
      })[name as 'getItem'],
  });
}

it('calls of pages that are closed in the same millisecond are all stored', async () => {
  const stored = new Map<string, string>();
  const clock = vi.spyOn(Date, 'now').mockReturnValue(1_800_000_000_000);
  try {
    const themes = ['dark', 'light'];
    for (const theme of themes) {
      const page = new EventTarget() as unknown as Window;
      const last = new LastCalls(storageOf(stored), page);
      page.dispatchEvent(new Event('pagehide'));
      void last.guard({ method: 'settingsSet', params: [{ theme }] }, () => new Promise<never>(() => undefined));
    }
    const repeated: unknown[] = [];
    const next = new LastCalls(storageOf(stored), new EventTarget() as unknown as Window);
    await next.repeat(async ({ params }) => repeated.push(...params));
    expect(repeated).toHaveLength(2);
    expect(repeated).toEqual(expect.arrayContaining(themes.map((theme) => ({ theme }))));
    expect(stored.size).toBe(0);
  } finally {
    clock.mockRestore();
  }
});

it('calls of a page that is closed are repeated by the next one', async () => {
  const stored = new Map<string, string>();
  const storage = storageOf(stored);
  const page = new EventTarget() as unknown as Window;
  const last = new LastCalls(storage, page);
  const call = { method: 'settingsSet', params: [{ theme: 'dark' }] } as const;
  const never = () => new Promise<never>(() => undefined);
  void last.guard({ ...call, params: [...call.params] }, never);
  expect(stored.size).toBe(0);
  page.dispatchEvent(new Event('pagehide'));
  void last.guard({ ...call, params: [...call.params] }, never);
  void last.guard({ method: 'chatsList', params: [] }, never);
  await last.guard({ method: 'chatWrite', params: [1] }, () => Promise.resolve());
  expect(stored.size).toBe(1);

  const repeated: unknown[] = [];
  const next = new LastCalls(storage, new EventTarget() as unknown as Window);
  await next.repeat(() => Promise.reject(new EngineError('STORAGE', 'Full.')));
  expect(stored.size).toBe(1);
  await next.repeat(async (one) => repeated.push(one));
  expect(repeated).toEqual([call]);
  expect(stored.size).toBe(0);
});

it('says what to do where the browser blocks the storage of sites', () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get: () => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    },
  });
  try {
    expect(() => browserServices({ models: [] } as unknown as SiteFacts)).toThrow('Allow the site to save data');
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, 'localStorage');
    else Object.defineProperty(globalThis, 'localStorage', before);
  }
});

/** What a site needs of its page. @param more properties of `window` */
function stubPage(more: object = {}): void {
  vi.stubGlobal('localStorage', {});
  vi.stubGlobal('window', Object.assign(new EventTarget(), more));
  // Node's would keep the process running.
  const silent = class extends EventTarget {
    postMessage(): void {}
  };
  vi.stubGlobal('BroadcastChannel', silent);
}

it.each<[what: string, method: 'comparisonWrite' | 'savedItemChange' | 'chatWrite']>([
  ['a run of Compare', 'comparisonWrite'],
  ['a preset', 'savedItemChange'],
  ['a chat', 'chatWrite'],
])('a site asks the browser once to keep its data when it saves %s', async (_, method) => {
  const persist = vi.fn(async () => true);
  stubPage({ isSecureContext: true });
  vi.stubGlobal('navigator', { storage: { persist } });
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    const { invoke } = browserServices({ models: [] } as unknown as SiteFacts);
    await invoke('chatsList');
    expect(persist).not.toHaveBeenCalled();
    // What is written does not matter.
    for (let attempt = 0; attempt < 2; attempt++) await invoke(method, {} as never).catch(() => undefined);
    expect(persist).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  }
});

it('a site lists its chats before it reads all of them to purge some', async () => {
  stubPage();
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const purge = vi.spyOn(BrowserChats.prototype, 'purge');
  try {
    const services = browserServices({ models: [] } as unknown as SiteFacts);
    expect(await services.invoke('chatsList')).toEqual([]);
    expect(purge).not.toHaveBeenCalled();
    vi.runOnlyPendingTimers();
    expect(purge).toHaveBeenCalledOnce();
    await purge.mock.results[0]?.value;
  } finally {
    purge.mockRestore();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  }
});
