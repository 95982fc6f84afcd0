import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ChatWrite } from '../../../src-main/protocol/app/chats/chat.ts';
import type { StoredComparison } from '../../../src-main/protocol/app/comparisons/comparison.ts';
import { PREFIX_DATABASE } from '../../../src-main/protocol/prefix-database-name.ts';
import { BrowserChats } from './browser-chats.ts';
import { BrowserComparisons } from './browser-comparisons.ts';
import { Database } from './database.ts';
import { storageReclaims } from './reclaim-storage.ts';

const at = '2026-11-27T12:00:00.000Z';
const write = (id: string, base = 0, title = id): ChatWrite => ({
  ...{ id, base, origin: 'page', details: [] },
  events: [{ type: 'facts', facts: { title }, at }],
});
const run = (id: string): StoredComparison => ({
  ...{ format: 1, id, title: id, createdAt: at, updatedAt: at, revision: 0, lanes: [], pinned: null, votes: [] },
  prompt: { kind: 'text', text: id },
});

let chats: BrowserChats;
let runs: BrowserComparisons;

beforeEach(async () => {
  globalThis.indexedDB = new IDBFactory();
  const database = new Database(storageReclaims());
  chats = new BrowserChats(database, () => undefined);
  runs = new BrowserComparisons(database, () => undefined);
  for (const id of ['live', 'deleted']) {
    await chats.write(write(id));
    await runs.write({ comparison: run(id), origin: 'page' });
  }
  await chats.delete('deleted');
  await runs.delete('deleted');
  await new Promise<void>((resolve) => {
    const request = indexedDB.open(PREFIX_DATABASE, 1);
    request.onsuccess = () => {
      request.result.close();
      resolve();
    };
  });
});
afterEach(() => void vi.restoreAllMocks());

const names = async () => (await indexedDB.databases()).map(({ name }) => name);

/** The storage is full until something calls a method of the database. */
function fullUntil(freed: 'deleteDatabase' | 'delete' | null): void {
  let isFull = true;
  const real = { put: IDBObjectStore.prototype.put, delete: IDBObjectStore.prototype.delete };
  const deleteDatabase = indexedDB.deleteDatabase.bind(indexedDB);
  const free = (by: string) => (isFull &&= by !== freed);
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function put(this: IDBObjectStore, ...args) {
    if (isFull) throw new DOMException('no room', 'QuotaExceededError');
    return real.put.apply(this, args);
  });
  vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(function remove(this: IDBObjectStore, ...args) {
    free('delete');
    return real.delete.apply(this, args);
  });
  vi.spyOn(indexedDB, 'deleteDatabase').mockImplementation((name) => {
    free('deleteDatabase');
    return deleteDatabase(name);
  });
}

it('what was deleted can be restored while the storage is not full', async () => {
  await chats.write(write('live', 1, 'Changed'));
  await chats.restore('deleted');
  await runs.restore('deleted');
  expect(await names()).toContain(PREFIX_DATABASE);
});

it('deletes the prefix cache first', async () => {
  fullUntil('deleteDatabase');
  expect(await chats.write(write('live', 1, 'Changed'))).toMatchObject({ revision: 2 });
  expect(await names()).toEqual(['tokenscope']);
  expect((await chats.get('live'))?.title).toBe('Changed');
  // There was enough room.
  await chats.restore('deleted');
  await runs.restore('deleted');
});

it('then deletes for good what was deleted, and leaves the rest alone', async () => {
  const before = await runs.read('live');
  fullUntil('delete');
  expect(await chats.write(write('live', 1, 'Changed'))).toMatchObject({ revision: 2 });
  expect(await chats.get('live')).toMatchObject({ title: 'Changed', revision: 2 });
  expect(await runs.read('live')).toEqual(before);
  await expect(chats.restore('deleted')).rejects.toMatchObject({ code: 'CHAT_NOT_FOUND' });
  await expect(runs.restore('deleted')).rejects.toMatchObject({ code: 'COMPARISON_NOT_FOUND' });
});

it('says that the storage is full if nothing helps', async () => {
  fullUntil(null);
  await expect(chats.write(write('live', 1, 'Changed'))).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining('is full') as string,
  });
  vi.restoreAllMocks();
  expect((await chats.get('live'))?.title).toBe('live');
});
