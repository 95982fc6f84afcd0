import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { utimesSync } from 'node:fs';
import { readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { clearHolder, newHolder, type Holder } from '../lock-holder.ts';
import { deadPid, startTicksOf } from '../test-support/processes.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { withFileLock, type HeldLock } from './file-lock.ts';

/** A lock of another process that this one never took. */
function foreign(overrides: Partial<Holder>): string {
  const holder = newHolder('file');
  clearHolder(holder);
  return JSON.stringify({ ...holder, token: 'foreign', ...overrides });
}

/** A process that holds a lock of this version until it is killed. */
async function otherProcess(path: string): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('../test-support/lock-child.mjs', import.meta.url));
  const child = fork(file, [path, foreign({})]);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

test('one at a time, in order, also after a failure, and no file is left', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'lock');
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} in`);
    expect(await readFile(path, 'utf8')).toContain(String(process.pid));
    await sleep(5);
    order.push(`${name} out`);
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => withFileLock(path, work(name))));
  expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await readdir(folder)).toEqual([]);
});

test('waits for another process, gives up after a while, and takes over as soon as that one is killed', async () => {
  const path = join(await temporaryFolder(), 'lock');
  const child = await otherProcess(path);
  const held = await readFile(path, 'utf8');
  await expect(withFileLock(path, async () => 'mine', { waitMs: 50 })).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await readFile(path, 'utf8')).toBe(held);

  const waiting = withFileLock(path, async () => 'mine', { waitMs: 10_000, staleMs: 60_000 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await waiting).toBe('mine');
});

test('takes over a lock whose process id was reused, and one of an earlier format', async () => {
  const path = join(await temporaryFolder(), 'lock');
  const quick = { waitMs: 0, staleMs: 150 };
  if (startTicksOf(process.ppid) !== null) {
    await writeFile(path, foreign({ pid: process.ppid, startTicks: '1' }));
    expect(await withFileLock(path, async () => 'mine', { ...quick, staleMs: 60_000 })).toBe('mine');
  }
  await writeFile(
    path,
    `${deadPid()} ${(JSON.parse(foreign({})) as Holder).machine} 0f8fad5b-d9cb-469f-a165-70867728950e`,
  );
  expect(await withFileLock(path, async () => 'mine', quick)).toBe('mine');
  // As left by a full disk.
  await writeFile(path, '');
  expect(await withFileLock(path, async () => 'mine', quick)).toBe('mine');
});

test.each([
  ['on another machine', { machine: 'elsewhere', boot: 'another boot' }],
  ['in a container on this machine', { pidNamespace: 'pid:[1]' }],
])('a holder %s counts as gone once its heartbeat stops, whatever its process id is here', async (_, where) => {
  const path = join(await temporaryFolder(), 'lock');
  await writeFile(path, foreign({ pid: deadPid(), ...where }));
  const attempt = (waitMs: number, staleMs: number) => withFileLock(path, async () => 'mine', { waitMs, staleMs });
  const heart = setInterval(() => utimesSync(path, new Date(), new Date()), 40);
  onTestFinished(() => clearInterval(heart));
  await expect(attempt(600, 60_000)).rejects.toMatchObject({ code: 'STORAGE' });
  clearInterval(heart);

  // Beats for longer than the stale time, and looks right after each: a timer may come late on a busy machine.
  const start = performance.now();
  for (let beat = 1; beat <= 8 || performance.now() - start < 450; beat++) {
    utimesSync(path, new Date(beat), new Date(beat));
    await expect(attempt(0, 300)).rejects.toMatchObject({ code: 'STORAGE' });
    await sleep(20);
  }
  expect(await attempt(15_000, 300)).toBe('mine');
});

test('waiting can be aborted, in this process too, and the others keep their order', async () => {
  const path = join(await temporaryFolder(), 'lock');
  const order: string[] = [];
  let finish: (() => void) | null = null;
  const first = withFileLock(path, () => new Promise<void>((resolve) => (finish = resolve)));
  await vi.waitFor(() => expect(finish).not.toBeNull());
  const stopping = new AbortController();
  const second = withFileLock(path, async () => void order.push('second'), { signal: stopping.signal });
  const third = withFileLock(path, async () => void order.push('third'));
  await expect(withFileLock(path, async () => undefined, { waitMs: 0 })).rejects.toMatchObject({ code: 'STORAGE' });
  stopping.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  expect(order).toEqual([]);
  (finish as (() => void) | null)?.();
  await Promise.all([first, third]);
  expect(order).toEqual(['third']);

  await writeFile(path, foreign({ machine: 'elsewhere', boot: 'another boot' }));
  const other = new AbortController();
  const waiting = withFileLock(path, async () => undefined, { signal: other.signal });
  setTimeout(() => other.abort(), 50);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});

test('beats while it is held, notices that it was lost, and refuses writes afterwards', async () => {
  const path = join(await temporaryFolder(), 'lock');
  const times = new Set<number>();
  const { stat } = await import('node:fs/promises');
  let kept: HeldLock | null = null;
  await withFileLock(
    path,
    async (lock) => {
      kept = lock;
      await lock.assertHeld();
      await vi.waitFor(async () => {
        times.add((await stat(path)).mtimeMs);
        expect(times.size).toBeGreaterThan(2);
      });
    },
    { beatMs: 20 },
  );
  await expect((kept as HeldLock | null)?.assertHeld()).rejects.toMatchObject({ code: 'STORAGE' });

  await withFileLock(
    path,
    async (lock) => {
      await unlink(path);
      await writeFile(path, foreign({}));
      await vi.waitFor(() => expect(lock.lost.aborted).toBe(true));
      await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'STORAGE' });
    },
    { beatMs: 20 },
  );
  expect(await readFile(path, 'utf8')).toContain('foreign');
});
