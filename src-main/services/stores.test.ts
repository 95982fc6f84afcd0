import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ChatStore } from './chat-store.ts';
import { InstanceLock } from './instance-lock.ts';
import { putAside, readJson, storageError, writeJson } from './json-file.ts';
import { exampleChat, temporaryFolder } from './test-support/support.ts';

async function setUp(folder?: string) {
  folder ??= await temporaryFolder();
  const lock = new InstanceLock(folder, 'app', { beatMs: 20, staleMs: 200, settleMs: 10 });
  await lock.start();
  onTestFinished(() => lock.release());
  const notices: string[] = [];
  const notice = (message: string) => notices.push(message);
  const chats = new ChatStore(folder, lock, notice);
  return { folder, lock, notices, chats };
}

test('a chat comes back as it was saved, and its summary with it', async () => {
  const { chats, folder } = await setUp();
  const chat = exampleChat();
  await chats.save(chat);
  const other = new ChatStore(folder, new InstanceLock(folder, 'web'), () => undefined);
  expect(await other.get('chat-1')).toEqual(chat);
  expect(await other.list()).toEqual([
    { id: 'chat-1', title: 'Hello world', createdAt: chat.createdAt, updatedAt: chat.updatedAt, turns: 2 },
  ]);
  expect(await chats.get('nobody')).toBeNull();
});

test('the latest chat comes first, search looks at titles and texts, deleting takes a chat away', async () => {
  const { chats } = await setUp();
  expect(await chats.list()).toEqual([]);
  await chats.save(exampleChat({ id: 'old' }));
  await chats.save(exampleChat({ id: 'new', title: 'Cats', updatedAt: '2026-01-01T00:00:00.000Z' }));
  expect((await chats.list()).map((chat) => chat.id)).toEqual(['new', 'old']);
  expect((await chats.search(' cATS')).map((chat) => chat.id)).toEqual(['new']);
  expect((await chats.search('how are')).map((chat) => chat.id)).toEqual(['new', 'old']);
  await chats.delete('new');
  await chats.delete('new');
  expect((await chats.list()).map((chat) => chat.id)).toEqual(['old']);
});

test.each(['../settings', '..', '', 'a/b', 'a\\b', 'C:x', 'a\0b', 'x'.repeat(65)])(
  'the id %j reaches no file',
  async (id) => {
    const { chats } = await setUp();
    await expect(chats.get(id)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(chats.delete(id)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(chats.save(exampleChat({ id }))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  },
);

test('a damaged chat is kept aside and reported, and the others still open', async () => {
  const { chats, folder, notices } = await setUp();
  await chats.save(exampleChat({ id: 'good' }));
  await writeFile(join(folder, 'chats', 'cut.json'), '{"id":"cut","tur');
  await writeFile(join(folder, 'chats', 'other.json'), '[1,2,3]');
  const [list] = await Promise.all([chats.list(), chats.list()]);
  expect(list.map((chat) => chat.id)).toEqual(['good']);
  expect((await readdir(join(folder, 'chats'))).sort()).toEqual([
    'cut.json.corrupt',
    'good.json',
    'other.json.corrupt',
  ]);
  expect(await readFile(join(folder, 'chats', 'cut.json.corrupt'), 'utf8')).toBe('{"id":"cut","tur');
  expect(notices).toHaveLength(2);
  expect(notices[0]).toContain('cut.json.corrupt');
});

test('a read-only instance moves nothing and reports damage once', async () => {
  const first = await setUp();
  const second = await setUp(first.folder);
  await mkdir(join(first.folder, 'chats'));
  await writeFile(join(first.folder, 'chats', 'cut.json'), '{');
  expect(await second.chats.list()).toEqual([]);
  expect(await second.chats.get('cut')).toBeNull();
  expect(await readdir(join(first.folder, 'chats'))).toEqual(['cut.json']);
  expect(second.notices).toHaveLength(1);
  await expect(second.chats.save(exampleChat())).rejects.toMatchObject({ code: 'READ_ONLY' });
  await expect(second.chats.delete('cut')).rejects.toMatchObject({ code: 'READ_ONLY' });
});

test('what interrupted writes left behind is removed once it is old', async () => {
  const { chats, folder } = await setUp();
  await chats.save(exampleChat());
  const names = ['a.json.1234', 'b.json.5678'].map((name) => join(folder, 'chats', name));
  for (const name of names) await writeFile(name, 'half');
  await utimes(names[0]!, new Date(0), new Date(0));
  await chats.removeLeftovers();
  expect((await readdir(join(folder, 'chats'))).sort()).toEqual(['b.json.5678', 'chat-1.json']);
});

test('a write that fails leaves the old file and says what to do', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'value.json');
  await writeJson(path, { value: 1 });
  await expect(writeJson(path, { value: 1n })).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await readJson(path)).toEqual({ state: 'read', value: { value: 1 } });
  expect(await readdir(folder)).toEqual(['value.json']);
  await expect(readJson(folder)).rejects.toMatchObject({ code: 'STORAGE' });
});

test('a full disk is named, with the way out', () => {
  const error = storageError('write', '/data/a.json', Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }));
  expect(error.code).toBe('STORAGE');
  expect(error.message).toContain('the disk is full. Free some space');
});

test('a second damaged file of the same name does not replace the first', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'x.json');
  for (const text of ['one', 'two']) {
    await writeFile(path, text);
    await putAside(path);
  }
  expect(await readFile(`${path}.corrupt`, 'utf8')).toBe('one');
  expect(await readFile(`${path}.corrupt-2`, 'utf8')).toBe('two');
});
