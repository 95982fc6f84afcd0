import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { smallDisk } from '../test-support/small-disk.ts';
import { eventLine } from './journal-format.ts';
import { detailsOf, openStore, replyTurn, smallChat, tokensOf, userTurn, write } from './test-support/chats.ts';

test.each([0, 1, 100, 400])(
  'a disk that is full after %i bytes loses nothing, and writes succeed once there is space',
  async (room) => {
    const first = await openStore();
    await first.store.write(write('c', 0, smallChat()));
    const events = [userTurn('u2', 'r1', 'second'), replyTurn('r2', 'u2'), tokensOf('r2', 0, 'one', ' two')];
    const more = {
      ...write('c', 5, events),
      details: [{ turn: 'r2', from: 0, details: [detailsOf(0), detailsOf(1)] }],
    };
    for (const file of ['details.jsonl', 'c.jsonl']) {
      first.files.fault = (path) => (path.endsWith(file) ? room : undefined);
      await expect(first.store.write(more)).rejects.toMatchObject({
        code: 'STORAGE',
        message: expect.stringContaining('the disk is full. Free some space') as string,
      });
      // Existing content can be read, here and after a restart.
      expect((await first.store.get('c'))?.turns.slice(0, 2)).toMatchObject([{ id: 'u1' }, { text: '! How are you?' }]);
    }
    first.files.fault = null;
    await first.store.write(more);
    const second = await openStore(first.folder);
    for (const { store } of [first, second]) {
      expect((await store.get('c'))?.turns.map((turn) => turn.text)).toEqual([
        'Hello world',
        '! How are you?',
        'second',
        'one two',
      ]);
      const range = { id: 'c', turn: 'r2', from: 0, count: 2 };
      expect(await store.details(range)).toEqual([detailsOf(0), detailsOf(1)]);
    }
    expect([...first.notices(), ...second.notices()]).toEqual([]);
  },
);

/** The tokens of a reply and their details. */
const part = (from: number, ...texts: string[]) => ({
  event: tokensOf('r2', from, ...texts),
  details: { turn: 'r2', from, details: texts.map((_, at) => detailsOf(from + at)) },
});

/** A chat with a reply, and its next write, for the first tokens of the next reply. */
async function setUp(...parts: ReturnType<typeof part>[]) {
  const opened = await openStore();
  await opened.store.write(write('c', 0, smallChat()));
  const more = (...written: ReturnType<typeof part>[]) => ({
    ...write('c', 5, [replyTurn('r2', 'u1'), ...written.map(({ event }) => event)]),
    details: written.map(({ details }) => details),
  });
  const path = join(opened.folder, 'chats', 'c.details.jsonl');
  const size = async () => (await stat(path)).size;
  return { ...opened, path, more, next: more(...parts), size };
}

test('details are appended once, however often the journal cannot be written', async () => {
  const first = part(0, 'one', ' two');
  const { store, files, more, next, size } = await setUp(first);
  files.fault = (path) => (path.endsWith('c.jsonl') ? 0 : undefined);
  const sizes: number[] = [];
  // Meanwhile, the reply grows.
  const grown = more(first, part(2, ' three', ' four'));
  for (const one of [next, next, next, grown, grown]) {
    await expect(store.write(one)).rejects.toMatchObject({ code: 'STORAGE' });
    sizes.push(await size());
  }
  const [once, , , twice] = sizes;
  expect(sizes).toEqual([once, once, once, twice, twice]);
  // A second copy of the first details would be as long as they are.
  expect(twice).toBeLessThan(2.5 * once);
  files.fault = null;
  await store.write(grown);
  expect(await size()).toBe(twice);
  const range = { id: 'c', turn: 'r2', from: 0, count: 4 };
  expect(await store.details(range)).toEqual([0, 1, 2, 3].map(detailsOf));
});

test('a full disk leaves no part of the details behind', async () => {
  const first = part(0, 'one', ' two');
  const { store, files, more, next, size } = await setUp(first);
  await store.write(next);
  const before = await size();
  files.fault = (path) => (path.endsWith('details.jsonl') ? 100 : undefined);
  const grown = more(part(2, ' three'));
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(store.write(grown)).rejects.toMatchObject({ code: 'STORAGE' });
    expect(await size()).toBe(before);
  }
  files.fault = null;
  await store.write(grown);
  const range = { id: 'c', turn: 'r2', from: 0, count: 3 };
  expect(await store.details(range)).toEqual([0, 1, 2].map(detailsOf));
});

test('what another process appended to the details stays when the disk is full', async () => {
  const { store, files, path, next, size } = await setUp(part(0, 'one', ' two'));
  await writeFile(path, 'before\n');
  files.fault = (written) => {
    if (written !== path) return undefined;
    appendFileSync(path, 'theirs\n');
    return 100;
  };
  await expect(store.write(next)).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await readFile(path, 'utf8')).toMatch(/^before\ntheirs\n/);
  expect(await size()).toBe(14 + 100);
});

test('a full disk leaves no part of a write in the journal, however often it is repeated', async () => {
  const { store, files, folder } = await openStore();
  await store.write(write('c', 0, smallChat()));
  const journal = join(folder, 'chats', 'c.jsonl');
  const before = await readFile(journal);
  const events = [userTurn('u2', 'r1', 'second'), userTurn('u3', 'u2', 'third')];
  const longer = [...events, userTurn('u4', 'u3', 'fourth')];
  // A part of the first line, then all of it and a part of the second one.
  const rooms = [1, eventLine(events[0]).length + 20];
  for (const room of rooms) {
    files.fault = (path) => (path === journal ? room : undefined);
    // The reply of a page grows meanwhile.
    for (const one of [events, events, longer]) {
      await expect(store.write(write('c', 5, one))).rejects.toMatchObject({ code: 'STORAGE' });
      expect(await readFile(journal)).toEqual(before);
    }
  }
  files.fault = null;
  expect(await store.write(write('c', 5, longer))).toEqual({ revision: 8, missed: [] });
  expect(await readFile(journal)).toEqual(Buffer.concat([before, ...longer.map((event) => eventLine(event))]));
});

test('what another process appended to the journal stays when the disk is full', async () => {
  const { store, files, folder } = await openStore();
  await store.write(write('c', 0, smallChat()));
  const journal = join(folder, 'chats', 'c.jsonl');
  files.fault = (path) => {
    if (path !== journal) return undefined;
    appendFileSync(journal, eventLine(userTurn('theirs', 'r1')));
    return 50;
  };
  const more = write('c', 5, [userTurn('ours', 'r1')]);
  await expect(store.write(more)).rejects.toMatchObject({ code: 'STORAGE' });
  files.fault = null;
  expect(await store.write(more)).toEqual({ revision: 7, missed: [userTurn('theirs', 'r1')] });
  expect((await store.get('c'))?.turns.map(({ id }) => id)).toEqual(['u1', 'r1', 'theirs', 'ours']);
});

test('a new chat for which there is no space can be written later', async () => {
  const { store, files } = await openStore();
  files.fault = () => 30;
  await expect(store.write(write('c', 0, smallChat()))).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await store.list()).toEqual([]);
  expect(await store.get('c')).toBeNull();
  files.fault = null;
  expect(await store.write(write('c', 0, smallChat()))).toEqual({ revision: 5, missed: [] });
  expect(await store.list()).toMatchObject([{ id: 'c', turns: 2 }]);
});

test('a real full disk', async (context) => {
  const { folder, problem } = await smallDisk();
  if (problem !== null) context.skip(`no small disk can be mounted: ${problem}`);
  const { store, close } = await openStore(folder);
  await store.write(write('c', 0, smallChat()));
  const ballast = join(folder, 'ballast');
  for (let size = 256; size >= 1; size /= 2) {
    // Ends with ENOSPC at some size.
    await writeFile(ballast, Buffer.alloc(size * 1024), { flag: 'a' }).catch(() => undefined);
  }
  const journal = join(folder, 'chats', 'c.jsonl');
  const before = await readFile(journal);
  const long = userTurn('u2', 'r1', 'long '.repeat(20_000));
  await expect(store.write(write('c', 5, [long]))).rejects.toMatchObject({ code: 'STORAGE' });
  // Nor does it take the space that a person frees.
  expect(await readFile(journal)).toEqual(before);
  expect((await store.get('c'))?.turns).toHaveLength(2);
  await rm(ballast);
  await store.write(write('c', 5, [long]));
  await close();
  const second = await openStore(folder);
  expect((await second.store.get('c'))?.turns[2].text).toBe('long '.repeat(20_000));
  expect(second.notices()).toEqual([]);
});

test('a real disk that becomes read-only', async (context) => {
  const { folder, problem } = await smallDisk();
  if (problem !== null) context.skip(`no small disk can be mounted: ${problem}`);
  const { store } = await openStore(folder);
  await store.write(write('c', 0, smallChat()));
  const remounted = spawnSync('mount', ['-o', 'remount,ro', folder], { encoding: 'utf8' });
  if (remounted.status !== 0) context.skip(`the disk cannot be made read-only: ${remounted.stderr}`);
  const more = write('c', 5, [userTurn('u2', 'r1')]);
  await expect(store.write(more)).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining('the disk is read-only') as string,
  });
  expect((await store.get('c'))?.revision).toBe(5);
  spawnSync('mount', ['-o', 'remount,rw', folder]);
  expect(await store.write(more)).toEqual({ revision: 6, missed: [] });
});

test('a folder that cannot be written to rejects writes with the reason, until it is writable', async () => {
  const { store, folder, files } = await openStore();
  await store.write(write('c', 0, smallChat()));
  // Permissions do not apply to root, which runs these tests in containers.
  const isRoot = process.getuid?.() === 0;
  const path = join(folder, 'chats', 'c.jsonl');
  if (isRoot) files.fault = refuse;
  else await chmod(path, 0o400);
  await expect(store.write(write('c', 5, [userTurn('u2', 'r1')]))).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining('permission denied') as string,
  });
  if (isRoot) files.fault = null;
  else await chmod(path, 0o600);
  expect(await store.write(write('c', 5, [userTurn('u2', 'r1')]))).toMatchObject({ revision: 6 });
});

function refuse(): never {
  throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
}

test('a damaged, truncated or missing index is rebuilt', async () => {
  const first = await openStore();
  for (const id of ['a', 'b', 'c']) await first.store.write(write(id, 0, smallChat(`Chat ${id}`)));
  await first.close();
  const index = join(first.folder, 'chats', 'index');
  const [summaries, texts] = [join(index, 'summaries.jsonl'), join(index, 'texts.txt')];
  const damages: (() => Promise<unknown>)[] = [
    () => rm(index, { recursive: true }),
    () => rm(texts),
    () => rm(summaries),
    () => mkdir(index, { recursive: true }),
    async () => await writeFile(summaries, (await readFile(summaries, 'utf8')).replace('Chat b', 'Chat x')),
    async () => await writeFile(texts, (await readFile(texts, 'utf8')).replace(' how', ' who')),
    async () => await writeFile(texts, (await readFile(texts)).subarray(0, 30)),
    async () => await writeFile(summaries, (await readFile(summaries)).subarray(0, 30)),
    async () => await writeFile(summaries, Buffer.alloc(1000)),
  ];
  for (const damage of damages) {
    await damage();
    const { store, close, notices } = await openStore(first.folder);
    await store.settled();
    expect((await store.search('how are')).map((chat) => chat.title).toSorted()).toEqual([
      'Chat a',
      'Chat b',
      'Chat c',
    ]);
    expect((await store.list()).map((chat) => chat.title).toSorted()).toEqual(['Chat a', 'Chat b', 'Chat c']);
    expect(notices()).toEqual([]);
    await close();
  }
});

test.each(['before', 'after'])('chats of a process killed %s it wrote the index are listed and found', async (when) => {
  const first = await openStore();
  await first.store.write(write('c', 0, smallChat()));
  await first.close();
  const killed = await openStore(first.folder);
  await killed.store.write(write('c', 5, [replyTurn('r2', 'u1'), tokensOf('r2', 0, 'Marmalade')]));
  await killed.store.write(write('d', 0, smallChat('Other')));
  if (when === 'after') {
    const summaries = join(first.folder, 'chats', 'index', 'summaries.jsonl');
    await vi.waitFor(async () => expect(await readFile(summaries, 'utf8')).toContain('Other'));
  }
  const second = await openStore(first.folder);
  await second.store.settled();
  expect((await second.store.search('marmalade')).map((chat) => chat.id)).toEqual(['c']);
  expect((await second.store.list()).map((chat) => chat.id).toSorted()).toEqual(['c', 'd']);
});
