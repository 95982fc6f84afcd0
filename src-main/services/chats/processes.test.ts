import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ChatPaths } from './chat-paths.ts';
import { compact } from './compaction.ts';
import { ChatFiles } from './files.ts';
import { Journal } from './journal.ts';
import { eventLine } from './journal-format.ts';
import { AT, openStore, smallChat, userTurn, write } from './test-support/chats.ts';

async function startProcess(...args: string[]): Promise<ChildProcessByStdio<null, Readable, null>> {
  const script = resolve(import.meta.dirname, 'test-support', 'process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

const ended = async (child: ChildProcess): Promise<unknown> => child.exitCode ?? (await once(child, 'exit'))[0];

test('processes that write while another one compacts lose no turns or details', async () => {
  const { store, folder, close } = await openStore();
  await store.write(write('c', 0, smallChat()));
  await close();
  const names = ['one', 'two', 'three'];
  const children = await Promise.all(names.map((name) => startProcess('write', folder, name, '200')));
  const counts = Promise.all(children.map(async ({ stdout }) => Number(String((await once(stdout, 'data'))[0]))));
  const codes = Promise.all(children.map(ended));
  const paths = new ChatPaths(folder);
  const journal = new Journal('c', paths.journal('c'), new ChatFiles());
  let compacted = 0;
  let isRunning = true;
  void codes.then(() => (isRunning = false));
  while (isRunning) {
    await journal.catchUp();
    // However slow the disk is, they write until then.
    if ((await compact(journal, paths)) && ++compacted === 2) await writeFile(join(folder, 'enough'), '');
    await sleep(2);
  }
  expect(await codes).toEqual([0, 0, 0]);
  expect(compacted).toBeGreaterThan(1);
  const again = await openStore(folder);
  const chat = await again.store.get('c');
  const ids = chat?.turns.map((turn) => turn.id) ?? [];
  const written = await counts;
  const expected = names.flatMap((name, at) => Array.from({ length: written[at] }, (_, turn) => `${name}-${turn}`));
  expect(ids.toSorted()).toEqual(['u1', 'r1', ...expected].toSorted());
  for (const turn of expected) {
    expect(await again.store.details({ id: 'c', turn, from: 0, count: 1 })).toMatchObject([{ piece: turn }]);
  }
});

test('a compaction that is killed at any point loses nothing', async () => {
  const { store, folder, close } = await openStore();
  await store.write(write('c', 0, smallChat()));
  await close();
  const paths = new ChatPaths(folder);
  const written: string[] = [];
  for (let round = 0; round < 4; round++) {
    const compactor = await startProcess('compact', folder);
    const journal = new Journal('c', paths.journal('c'), new ChatFiles());
    const until = performance.now() + 30 + round * 60;
    // At least three, however slow the disk is.
    while (performance.now() < until || written.length < 3 * (round + 1)) {
      const id = `turn-${written.length}`;
      await journal.append(eventLine(userTurn(id, null)), null);
      written.push(id);
    }
    compactor.kill('SIGKILL');
    await ended(compactor);
    const again = await openStore(folder);
    await again.store.settled();
    expect((await again.store.get('c'))?.turns.map((turn) => turn.id)).toEqual(expect.arrayContaining(written));
    await again.close();
    expect((await readdir(paths.folder)).filter((name) => /\.(old|new)$/.test(name))).toEqual([]);
  }
  expect(written.length).toBeGreaterThan(10);
});

test('what another process appends right after our own write is read', async () => {
  const files = new ChatFiles();
  const { store, news } = await openStore(undefined, { files, watch: false, pollMs: 100 });
  await store.write(write('c', 0, smallChat()));
  const theirs = userTurn('u3', 'r1');
  const open = files.openToAppend.bind(files);
  files.openToAppend = async (path, create) => {
    const file = await open(path, create);
    if (!path.endsWith('c.jsonl')) return file;
    const status = file.status.bind(file);
    let calls = 0;
    file.status = async () => {
      const found = await status();
      // The first call is before the write, the second one after it.
      if (++calls === 2) await appendFile(path, eventLine(theirs));
      return found;
    };
    return file;
  };
  await store.write(write('c', 5, [userTurn('u2', 'r1')]));
  files.openToAppend = open;
  const heard = () => news().flatMap(({ events }) => events);
  await vi.waitFor(() => expect(heard()).toContainEqual(theirs), { timeout: 5000 });
});

test('a page at a revision of the old file receives all that it may have missed from the compacted one', async () => {
  const { store, folder } = await openStore();
  await store.write(write('c', 0, smallChat()));
  const paths = new ChatPaths(folder);
  // Another process compacts, after which both write.
  const other = new Journal('c', paths.journal('c'), new ChatFiles());
  await other.catchUp();
  expect(await compact(other, paths)).toBe(true);
  await other.append(eventLine(userTurn('u2', 'r1')), AT);
  const mine = userTurn('u3', 'r1');
  expect(await store.write(write('c', 5, [mine]))).toEqual({ revision: 7, missed: [userTurn('u2', 'r1')] });
  expect(await store.since('c', 3)).toBeNull();
  expect(await store.since('c', 5)).toEqual({ revision: 7, events: [userTurn('u2', 'r1'), mine] });
  expect((await store.get('c'))?.revision).toBe(7);
});
