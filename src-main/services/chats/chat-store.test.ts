import { mkdir, readdir, readFile, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { encodeLine } from './lines.ts';
import {
  at,
  detailsOf,
  openStore,
  replyTurn,
  smallChat,
  title,
  tokensOf,
  userTurn,
  write,
} from './test-support/chats.ts';

const ids = (chats: readonly { id: string }[]) => chats.map((chat) => chat.id);

test('a chat is read as it was written, also after a restart', async () => {
  const first = await openStore();
  const written = await first.store.write(write('c', 0, smallChat()));
  expect(written).toEqual({ revision: 5, missed: [] });
  const chat = await first.store.get('c');
  expect(chat).toMatchObject({ id: 'c', title: 'Hello world', revision: 5 });
  expect(chat?.turns).toMatchObject([
    { id: 'u1', text: 'Hello world' },
    { id: 'r1', parent: 'u1', text: '! How are you?', tokens: { lengths: [1, 4, 4, 5] } },
  ]);
  expect(await first.store.get('nobody')).toBeNull();
  await first.close();
  const second = await openStore(first.folder);
  expect(await second.store.get('c')).toEqual(chat);
  expect(await second.store.list()).toEqual([
    {
      id: 'c',
      title: 'Hello world',
      pinned: false,
      folder: '',
      createdAt: chat?.createdAt,
      updatedAt: chat?.updatedAt,
      turns: 2,
    },
  ]);
});

test('a stop reason is read as it was stored, also by an earlier version', async () => {
  const { store, folder, close } = await openStore();
  const earlier = { reason: 'max_tokens', detail: 'Reached the limit of 5 tokens.' } as const;
  const end = at({ type: 'reply', turn: 'r1', facts: { stop: earlier } });
  await store.write(write('a', 0, [...smallChat().slice(0, -1), end]));
  await close();
  const again = await openStore(folder);
  const [, reply] = (await again.store.get('a'))?.turns ?? [];
  expect(reply).toMatchObject({ facts: { stop: earlier } });
});

test('the latest chat comes first, and the search finds titles and texts, ignoring case', async () => {
  const { store } = await openStore();
  await store.write(write('old', 0, smallChat()));
  const later = '2026-02-01T00:00:00.000Z';
  await store.write(write('new', 0, [...smallChat('Cats'), at({ type: 'facts', facts: { systemPrompt: '' } }, later)]));
  expect(ids(await store.list())).toEqual(['new', 'old']);
  expect(ids(await store.search(' cATS'))).toEqual(['new']);
  expect(ids(await store.search('how ARE'))).toEqual(['new', 'old']);
  expect(ids(await store.search('u1'))).toEqual([]);
});

test.each(['../settings', '..', '', 'a/b', 'a\\b', 'C:x', 'a\0b', 'x'.repeat(65)])(
  'the id %j is refused',
  async (id) => {
    const { store, folder } = await openStore();
    const refused = { code: 'BAD_REQUEST' };
    await expect(store.get(id)).rejects.toMatchObject(refused);
    await expect(store.delete(id)).rejects.toMatchObject(refused);
    await expect(store.restore(id)).rejects.toMatchObject(refused);
    await expect(store.write(write(id, 0, smallChat()))).rejects.toMatchObject(refused);
    expect((await readdir(folder)).filter((name) => name !== 'instance.lock' && name !== 'chats')).toEqual([]);
  },
);

test('a write returns what others wrote since its base, and repeated events have no effect', async () => {
  const { store } = await openStore();
  await store.write(write('c', 0, smallChat(), 'one'));
  const mine = [userTurn('u2', 'r1', 'mine')];
  const theirs = [userTurn('u3', 'r1', 'theirs')];
  await store.write(write('c', 5, theirs, 'other'));
  expect(await store.write(write('c', 5, mine, 'one'))).toEqual({ revision: 7, missed: theirs });
  // The response was lost, so the page sends it again.
  expect(await store.write(write('c', 5, mine, 'one'))).toEqual({ revision: 8, missed: [...theirs, ...mine] });
  expect((await store.get('c'))?.turns.map((turn) => turn.id)).toEqual(['u1', 'r1', 'u3', 'u2']);
  expect(await store.since('c', 6)).toEqual({ revision: 8, events: [...mine, ...mine] });
  expect(await store.since('c', 8)).toEqual({ revision: 8, events: [] });
  expect(await store.since('c', 99)).toBeNull();
  await expect(store.since('nobody', 1)).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
});

test('every write is reported with its origin and the chat’s summary; the list only when it changed', async () => {
  const { store, events } = await openStore();
  await store.settled();
  await store.write(write('c', 0, smallChat()));
  await store.write(write('c', 5, [userTurn('u2', 'r1')], 'other'));
  await store.write(write('c', 6, [title('Renamed')]));
  expect(events).toMatchObject([
    { type: 'chats' },
    { type: 'chat', id: 'c', from: 0, revision: 5, origin: 'page', summary: { turns: 2 } },
    { type: 'chat', from: 5, revision: 6, origin: 'other', summary: { turns: 3 } },
    { type: 'chats' },
    { type: 'chat', from: 6, revision: 7, summary: { title: 'Renamed' } },
  ]);
});

test('details are found by token, and are null if they were not recorded or are damaged', async () => {
  const { store, folder } = await openStore();
  await store.write(write('c', 0, smallChat()));
  const details = Array.from({ length: 150 }, (_, index) => detailsOf(index));
  const tokens = tokensOf('r2', 0, ...details.map((_, index) => ` ${index}`));
  await store.write({
    ...write('c', 5, [replyTurn('r2', 'u1'), tokens]),
    details: [
      { turn: 'r2', from: 0, details: details.slice(0, 100) },
      { turn: 'r2', from: 100, details: details.slice(100) },
    ],
  });
  const read = async (from: number, count: number) => await store.details({ id: 'c', turn: 'r2', from, count });
  expect(await read(98, 4)).toEqual(details.slice(98, 102));
  expect(await read(148, 4)).toEqual([...details.slice(148), null, null]);
  expect(await store.details({ id: 'c', turn: 'r1', from: 0, count: 1 })).toEqual([null]);
  const path = join(folder, 'chats', 'c.details.jsonl');
  const bytes = await readFile(path);
  bytes[200] = 0;
  await writeFile(path, bytes);
  expect(await read(62, 3)).toEqual([null, null, details[64]]);
});

test('a deleted chat stays deleted until it is restored, even after a late write', async () => {
  const { store, folder, events } = await openStore();
  await store.write(write('c', 0, smallChat()));
  await store.delete('c');
  await store.delete('c');
  expect(await store.list()).toEqual([]);
  expect(await store.search('hello')).toEqual([]);
  expect(await store.get('c')).toBeNull();
  for (const base of [0, 5]) {
    await expect(store.write(write('c', base, [title('Back')]))).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
  }
  const details = [{ turn: 'r1', from: 0, details: [detailsOf(0)] }];
  await expect(store.write({ ...write('c', 5, []), details })).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
  expect((await readdir(join(folder, 'chats'))).filter((name) => name.startsWith('c'))).toEqual([]);
  events.length = 0;
  await store.restore('c');
  expect(events).toMatchObject([{ type: 'chats' }]);
  expect(ids(await store.search('hello'))).toEqual(['c']);
  expect(await store.write(write('c', 5, [title('Back')]))).toEqual({ revision: 6, missed: [] });
  await expect(store.restore('nobody')).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
});

test('deleted chats are kept for 30 days', async () => {
  const first = await openStore();
  for (const id of ['young', 'old']) {
    await first.store.write(write(id, 0, smallChat()));
    await first.store.delete(id);
  }
  const days = (count: number) => new Date(Date.now() - count * 24 * 60 * 60 * 1000);
  const path = (id: string) => join(first.folder, 'chats', 'deleted', `${id}.jsonl`);
  await utimes(path('young'), days(29), days(29));
  await utimes(path('old'), days(31), days(31));
  await first.close();
  const second = await openStore(first.folder);
  await second.store.settled();
  expect(await readdir(join(first.folder, 'chats', 'deleted'))).toEqual(['young.jsonl']);
});

test('nothing of a chat that was deleted 30 days ago stays on the disk', async () => {
  const first = await openStore();
  const chats = join(first.folder, 'chats');
  for (const id of ['kept', 'old']) {
    await first.store.write(write(id, 0, [title(`Title of ${id}`), userTurn('u1', null, `text of ${id}`)]));
  }
  await mkdir(join(chats, 'v1'));
  for (const name of ['kept.json', 'old.json', 'old.2.json', 'older.json']) {
    await writeFile(join(chats, 'v1', name), '{}');
  }
  await first.close();
  const second = await openStore(first.folder);
  await second.store.delete('old');
  await second.close();
  const index = async () =>
    await Promise.all(['summaries.jsonl', 'texts.txt'].map((name) => readFile(join(chats, 'index', name), 'utf8')));
  expect((await index()).map((text) => text.includes('of old'))).toEqual([true, true]);
  const longAgo = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
  await utimes(join(chats, 'deleted', 'old.jsonl'), longAgo, longAgo);
  const third = await openStore(first.folder);
  await third.store.settled();
  expect(await readdir(join(chats, 'deleted'))).toEqual([]);
  expect(await readdir(join(chats, 'v1'))).toEqual(['kept.json', 'older.json']);
  expect((await index()).join()).not.toContain('of old');
  expect(ids(await third.store.search('text of kept'))).toEqual(['kept']);
});

test('a chat that was deleted 30 days ago frees space even if the index cannot be copied, and then goes', async () => {
  const first = await openStore();
  const chats = join(first.folder, 'chats');
  await first.store.write({
    ...write('c', 0, smallChat()),
    details: [{ turn: 'r1', from: 0, details: [detailsOf(0)] }],
  });
  await first.store.delete('c');
  await first.close();
  const longAgo = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
  await utimes(join(chats, 'deleted', 'c.jsonl'), longAgo, longAgo);
  expect(await readdir(join(chats, 'deleted'))).toEqual(['c.details.jsonl', 'c.jsonl']);
  // In the way of the copy.
  const copy = join(chats, 'index', 'summaries.jsonl.new');
  await mkdir(copy, { recursive: true });
  const second = await openStore(first.folder);
  await second.store.settled();
  expect(await readdir(join(chats, 'deleted'))).toEqual(['c.jsonl']);
  await second.close();
  await rmdir(copy);
  const third = await openStore(first.folder);
  await third.store.settled();
  expect(await readdir(join(chats, 'deleted'))).toEqual([]);
});

test('an interrupted deletion counts from when it began', async () => {
  const { store, folder } = await openStore();
  const chats = join(folder, 'chats');
  await store.write({ ...write('c', 0, smallChat()), details: [{ turn: 'r1', from: 0, details: [detailsOf(0)] }] });
  await utimes(join(chats, 'c.jsonl'), 0, 0);
  // In the way of the details, which are moved after the journal.
  await mkdir(join(chats, 'deleted', 'c.details.jsonl', 'inside'), { recursive: true });
  await expect(store.delete('c')).rejects.toMatchObject({ code: 'STORAGE' });
  expect((await stat(join(chats, 'deleted', 'c.jsonl'))).mtimeMs).toBeGreaterThan(Date.now() - 60 * 60 * 1000);
});

test('deleted turns and their descendants are neither counted nor found', async () => {
  const { store } = await openStore();
  const edit = [userTurn('u2', null, 'The second attempt'), replyTurn('r2', 'u2'), tokensOf('r2', 0, 'Marmalade')];
  await store.write(write('c', 0, [...smallChat(), ...edit, at({ type: 'remove', turn: 'u2' })]));
  expect(await store.list()).toMatchObject([{ turns: 2 }]);
  expect(ids(await store.search('attempt'))).toEqual([]);
  expect(ids(await store.search('hello'))).toEqual(['c']);
  await store.write(write('c', 9, [at({ type: 'restore', turn: 'u2' })]));
  expect(await store.list()).toMatchObject([{ turns: 4 }]);
  expect(ids(await store.search('attempt'))).toEqual(['c']);
});

test('the list has the number of branches, without deleted ones, also after a restart', async () => {
  const first = await openStore();
  const version = [userTurn('u2', null, 'The second attempt'), replyTurn('r2', 'u2'), replyTurn('r3', 'u2')];
  const shown = async (store = first.store) => (await store.list()).map(({ branches }) => branches);
  await first.store.write(write('c', 0, smallChat()));
  expect(await shown()).toEqual([undefined]);
  await first.store.write(write('c', 5, version));
  expect(await shown()).toEqual([3]);
  await first.store.write(write('c', 8, [at({ type: 'remove', turn: 'r3' })]));
  expect(await shown()).toEqual([2]);
  await first.close();
  expect(await shown((await openStore(first.folder)).store)).toEqual([2]);
});

test('a damaged line affects only itself, and is reported once', async () => {
  const first = await openStore();
  await first.store.write(write('c', 0, smallChat()));
  await first.store.write(write('c', 5, [userTurn('u2', 'r1', 'spoilt'), userTurn('u3', 'u2', 'whole')]));
  await first.close();
  const path = join(first.folder, 'chats', 'c.jsonl');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('spoilt', 'spoiled'));
  const { store, notices } = await openStore(first.folder);
  const chat = await store.get('c');
  expect(chat?.turns.map((turn) => [turn.id, turn.parent])).toEqual([
    ['u1', null],
    ['r1', 'u1'],
    ['u3', 'r1'],
  ]);
  expect(chat?.revision).toBe(7);
  await store.get('c');
  expect(notices()).toEqual([expect.stringContaining('Part of the chat “Hello world” is damaged: 1 line of')]);
});

test('a chat of a later version is not changed, and reported', async () => {
  const first = await openStore();
  await first.store.write(write('mine', 0, smallChat()));
  const later = encodeLine({ format: 'tokenscope-chat', version: 3, id: 'later', createdAt: '', revision: 0, body: 0 });
  const path = join(first.folder, 'chats', 'later.jsonl');
  await writeFile(path, later);
  await first.close();
  const { store, notices } = await openStore(first.folder);
  await store.settled();
  expect(ids(await store.list())).toEqual(['mine']);
  expect(notices()).toEqual([expect.stringContaining('was written by a newer version of Tokenscope')]);
  await expect(store.get('later')).rejects.toMatchObject({ code: 'STORAGE' });
  for (const base of [0, 1]) {
    await expect(store.write(write('later', base, smallChat()))).rejects.toMatchObject({ code: 'STORAGE' });
  }
  expect(await readFile(path)).toEqual(later);
});

test('two processes on one folder see each other’s turns, lists and deletions', async () => {
  const one = await openStore();
  const two = await openStore(one.folder);
  await one.store.write(write('c', 0, smallChat(), 'one'));
  await expect.poll(async () => ids(await two.store.list())).toEqual(['c']);
  expect(await two.store.get('c')).toEqual(await one.store.get('c'));
  two.events.length = 0;
  await one.store.write(write('c', 5, [userTurn('u2', 'r1', 'from one')], 'one'));
  await expect
    .poll(() => two.news().at(-1))
    .toMatchObject({
      from: 5,
      revision: 6,
      origin: '',
      events: [userTurn('u2', 'r1', 'from one')],
      summary: { turns: 3 },
    });
  expect(await two.store.write(write('c', 5, [userTurn('u3', 'r1', 'from two')], 'two'))).toMatchObject({
    revision: 7,
    missed: [userTurn('u2', 'r1', 'from one')],
  });
  await expect.poll(() => one.news().at(-1)).toMatchObject({ from: 6, revision: 7, origin: '' });
  expect(ids(await two.store.search('from one'))).toEqual(['c']);
  await two.store.delete('c');
  await expect.poll(async () => await one.store.list()).toEqual([]);
  await expect(one.store.write(write('c', 7, [title('late')]))).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
});

test('changes are noticed without notifications from the system', async () => {
  const one = await openStore();
  await mkdir(join(one.folder, 'chats'), { recursive: true });
  const two = await openStore(one.folder, { pollMs: 20, watch: false });
  await one.store.write(write('c', 0, smallChat()));
  await expect.poll(async () => ids(await two.store.list())).toEqual(['c']);
  await two.store.get('c');
  await one.store.write(write('c', 5, [userTurn('u2', 'r1')]));
  await expect.poll(() => two.news().at(-1)).toMatchObject({ revision: 6 });
});

test('a chat that is added right after a look at the folder is noticed, although its time stays the same', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const pollMs = 60_000;
  const one = await openStore();
  const two = await openStore(one.folder, { pollMs, watch: false });
  const chats = join(one.folder, 'chats');
  // Writing the index must not change the time of the folder.
  await mkdir(join(chats, 'index'), { recursive: true });
  await two.store.settled();
  const add = async (id: string) => {
    await one.store.write(write(id, 0, smallChat()));
    // As where times are coarse.
    await utimes(chats, 1000, 1000);
  };
  const listed = async () => ids(await two.store.list());
  await add('a');
  vi.advanceTimersByTime(pollMs);
  await expect.poll(listed).toEqual(['a']);
  await add('b');
  const polled = async () => {
    vi.advanceTimersByTime(pollMs);
    return await listed();
  };
  await expect.poll(polled).toContain('b');
});
