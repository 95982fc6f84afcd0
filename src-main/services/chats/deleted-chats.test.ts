import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeLine } from './lines.ts';
import { at, detailsOf, openStore, smallChat, title, userTurn, write } from './test-support/chats.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** In whole seconds, which every file system can store. */
const NOW = Math.floor(Date.now() / 1000) * 1000;
const daysAgo = (days: number) => new Date(NOW - days * DAY_MS);
const ids = (chats: readonly { id: string }[]) => chats.map(({ id }) => id);
const deletedJournal = (folder: string, id: string) => join(folder, 'chats', 'deleted', `${id}.jsonl`);

type OpenedStore = Awaited<ReturnType<typeof openStore>>;

async function deleteAt({ store, folder }: OpenedStore, id: string, time: Date): Promise<void> {
  await store.delete(id);
  await utimes(deletedJournal(folder, id), time, time);
}

test('deleted chats are listed until they are deleted for good, the latest deletion first', async () => {
  const opened = await openStore();
  const { store } = opened;
  for (const id of ['early', 'late', 'expired', 'live']) await store.write(write(id, 0, smallChat(`Title of ${id}`)));
  await store.write(
    write('early', 5, [userTurn('u2', 'r1'), userTurn('u3', 'u2'), at({ type: 'remove', turn: 'u3' })]),
  );
  expect(await store.deleted()).toEqual([]);
  await deleteAt(opened, 'late', daysAgo(1));
  await deleteAt(opened, 'early', daysAgo(2));
  await deleteAt(opened, 'expired', daysAgo(31));
  const listed = await store.deleted();
  expect(listed).toMatchObject([
    { id: 'late', title: 'Title of late', turns: 2 },
    { id: 'early', title: 'Title of early', turns: 3, deletedAt: daysAgo(2).toISOString() },
  ]);
  const [{ deletedAt, keptUntil }] = listed;
  expect(Date.parse(keptUntil) - Date.parse(deletedAt)).toBe(30 * DAY_MS);
  await opened.close();
  const again = await openStore(opened.folder);
  expect(await again.store.deleted()).toEqual(listed);
});

test('many deleted chats are listed without opening one, also after a restart', async () => {
  const first = await openStore();
  const count = 100;
  for (let chat = 0; chat < count; chat++) await first.store.write(write(`c${chat}`, 0, smallChat(`Chat ${chat}`)));
  for (let chat = 0; chat < count; chat++) await first.store.delete(`c${chat}`);
  const before = await first.store.deleted();
  expect(before).toHaveLength(count);
  await first.close();
  const second = await openStore(first.folder);
  expect(ids(await second.store.deleted()).toSorted()).toEqual(ids(before).toSorted());
  expect(second.files.moved.read).toBe(0);
});

test('a deleted chat that the index does not have is read once', async () => {
  const first = await openStore();
  await first.store.write(write('c', 0, smallChat('Cats')));
  await first.store.delete('c');
  await first.close();
  await rm(join(first.folder, 'chats', 'index'), { recursive: true });
  const second = await openStore(first.folder);
  expect(await second.store.deleted()).toMatchObject([{ id: 'c', title: 'Cats', turns: 2 }]);
  expect(second.files.moved.read).toBeGreaterThan(0);
  await second.close();
  const third = await openStore(first.folder);
  expect(await third.store.deleted()).toMatchObject([{ id: 'c', title: 'Cats', turns: 2 }]);
  expect(third.files.moved.read).toBe(0);
});

test('what another process wrote before it deleted a chat is in the list', async () => {
  const one = await openStore();
  await one.store.write(write('c', 0, smallChat('Cats')));
  await one.close();
  const two = await openStore(one.folder);
  await two.store.list();
  const three = await openStore(one.folder);
  await three.store.write(write('c', 5, [title('Dogs'), userTurn('u2', 'r1')]));
  await three.store.delete('c');
  await expect.poll(async () => await two.store.list()).toEqual([]);
  expect(await two.store.deleted()).toMatchObject([{ id: 'c', title: 'Dogs', turns: 3 }]);
});

test('a chat of a later version, and one without a line, are not listed and stay on the disk', async () => {
  const { store, folder } = await openStore();
  await mkdir(join(folder, 'chats', 'deleted'), { recursive: true });
  const header = { format: 'tokenscope-chat', version: 3, id: 'later', createdAt: '', revision: 0, body: 0 };
  await writeFile(deletedJournal(folder, 'later'), encodeLine(header));
  await writeFile(deletedJournal(folder, 'empty'), '');
  expect(await store.deleted()).toEqual([]);
  expect(await readdir(join(folder, 'chats', 'deleted'))).toEqual(['empty.jsonl', 'later.jsonl']);
});

test('a restored chat is in its folder again, and not among the deleted ones', async () => {
  const { store, events } = await openStore();
  const inFolder = at({ type: 'facts', facts: { folder: 'Animals' } });
  await store.write(write('c', 0, [...smallChat('Cats'), inFolder]));
  await store.delete('c');
  events.length = 0;
  await store.restore('c');
  expect(events).toMatchObject([{ type: 'chats' }]);
  expect(await store.deleted()).toEqual([]);
  expect(await store.list()).toMatchObject([{ id: 'c', title: 'Cats', folder: 'Animals' }]);
});

test('nothing of a chat that is deleted for good stays on the disk, and other chats are left alone', async () => {
  const { store, folder, events, close } = await openStore();
  const chats = join(folder, 'chats');
  for (const id of ['live', 'kept', 'gone']) {
    const written = [title(`Title of ${id}`), userTurn('u1', null, `text of ${id}`)];
    await store.write({ ...write(id, 0, written), details: [{ turn: 'u1', from: 0, details: [detailsOf(0)] }] });
  }
  await mkdir(join(chats, 'v1'));
  for (const name of ['kept.json', 'live.json', 'gone.json', 'gone.2.json'])
    await writeFile(join(chats, 'v1', name), '{}');
  await writeFile(join(chats, 'gone.damaged'), 'a damaged line');
  await store.delete('kept');
  await store.delete('gone');
  events.length = 0;
  await store.purge(['gone', 'live', 'nobody', '../x']);
  expect(events).toEqual([{ type: 'chats' }]);
  expect(await readdir(join(chats, 'deleted'))).toEqual(['kept.details.jsonl', 'kept.jsonl']);
  expect(await readdir(join(chats, 'v1'))).toEqual(['kept.json', 'live.json']);
  expect(ids(await store.deleted())).toEqual(['kept']);
  expect(ids(await store.search('text of'))).toEqual(['live']);
  await expect(store.restore('gone')).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
  await close();
  for (const name of ['summaries.jsonl', 'texts.txt']) {
    const text = await readFile(join(chats, 'index', name), 'utf8');
    expect([name, text.includes('of gone'), text.includes('of live')]).toEqual([name, false, true]);
  }
  const again = await openStore(folder);
  await again.store.restore('kept');
  expect(ids(await again.store.list()).toSorted()).toEqual(['kept', 'live']);
  expect(await again.store.details({ id: 'kept', turn: 'u1', from: 0, count: 1 })).toEqual([detailsOf(0)]);
});

test('what another process deletes for good is notified, once, after deleted chats were listed', async () => {
  const first = await openStore();
  for (const id of ['gone', 'kept']) {
    await first.store.write(write(id, 0, smallChat()));
    await first.store.delete(id);
  }
  const second = await openStore(first.folder, { pollMs: 20 });
  await second.store.settled();
  expect(ids(await second.store.deleted()).toSorted()).toEqual(['gone', 'kept']);
  second.events.length = 0;
  await first.store.purge(['gone']);
  await expect.poll(() => second.events).toContainEqual({ type: 'chats' });
  // Nobody has listed them since.
  await first.store.purge(['kept']);
  await sleep(100);
  expect(second.events).toEqual([{ type: 'chats' }]);
  expect(await second.store.deleted()).toEqual([]);
});

test('a process that may not write the index deletes nothing for good, and says why', async () => {
  const first = await openStore();
  await first.store.write(write('c', 0, smallChat()));
  await first.store.delete('c');
  const second = await openStore(first.folder);
  expect(ids(await second.store.deleted())).toEqual(['c']);
  await expect(second.store.purge(['c'])).rejects.toMatchObject({
    code: 'READ_ONLY',
    message: expect.stringMatching(/^Chats cannot be deleted for good here\. Another Tokenscope .*/) as string,
  });
  await second.store.restore('c');
  await expect.poll(async () => ids(await first.store.list())).toEqual(['c']);
  expect(await first.store.deleted()).toEqual([]);
});

test('a chat that cannot be deleted for good can be deleted later', async () => {
  const { store, folder } = await openStore();
  await store.write(write('c', 0, smallChat()));
  await store.delete('c');
  // In the way of the index.
  const copy = join(folder, 'chats', 'index', 'summaries.jsonl.new');
  await mkdir(copy, { recursive: true });
  await expect(store.purge(['c'])).rejects.toMatchObject({ code: 'STORAGE' });
  expect(ids(await store.deleted())).toEqual(['c']);
  await rm(copy, { recursive: true });
  await store.purge(['c']);
  expect(await store.deleted()).toEqual([]);
  expect(await readdir(join(folder, 'chats', 'deleted'))).toEqual([]);
});
