import { fork } from 'node:child_process';
import { once } from 'node:events';
import { utimesSync } from 'node:fs';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { InstanceLock } from './instance-lock.ts';
import { clearHolder, newHolder } from './lock-holder.ts';
import { deadPid } from './test-support/processes.ts';
import { temporaryFolder } from './test-support/support.ts';

const TIMES = { beatMs: 20, staleMs: 200, settleMs: 20 };

async function started(folder: string, label = 'app', times = TIMES): Promise<InstanceLock> {
  const lock = new InstanceLock(folder, label, times);
  await lock.start();
  onTestFinished(() => lock.release());
  return lock;
}

/** Of an instance that looks at the other's lock only when `start` is called again. */
const ON_CALL = { ...TIMES, beatMs: 60_000 };

/** Beats for longer than the stale time. The instance looks right after each beat, as timers may come late. */
async function beatWhile(lock: InstanceLock, path: string): Promise<void> {
  const start = performance.now();
  for (let beat = 1; beat <= 8 || performance.now() - start < 1.5 * TIMES.staleMs; beat++) {
    utimesSync(path, new Date(beat), new Date(beat));
    await lock.start();
    expect(lock.problem).not.toBeNull();
    await sleep(20);
  }
}

async function expectTakeover(lock: InstanceLock): Promise<void> {
  await vi.waitFor(async () => {
    await lock.start();
    expect(lock.problem).toBeNull();
  });
}

/** Content of another process's lock; by default with this process's values. */
function foreignHolder(overrides: object): string {
  const holder = newHolder('app');
  clearHolder(holder);
  return JSON.stringify({ ...holder, token: 'foreign', ...overrides });
}

test('the first instance writes, the second names it, and takes over when the first is gone', async () => {
  const folder = await temporaryFolder();
  const first = await started(folder);
  const second = await started(folder, 'web');
  expect(first.problem).toBeNull();
  expect(second.problem).toContain(`the app, process ${process.pid}`);
  await expect(second.assertHeld()).rejects.toMatchObject({ code: 'READ_ONLY' });

  const changes: (string | null)[] = [];
  second.onChange((problem) => changes.push(problem));
  await first.release();
  await vi.waitFor(() => expect(second.problem).toBeNull());
  expect(changes).toEqual([null]);
  await second.assertHeld();
});

test('the lock of a process that was killed is taken over at once', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'instance.lock'), foreignHolder({ pid: deadPid() }));
  expect((await started(folder)).problem).toBeNull();
});

test('the lock of a process that is killed is taken over at the next check, long before its heartbeat is overdue', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'instance.lock');
  const file = fileURLToPath(new URL('./test-support/lock-child.mjs', import.meta.url));
  const child = fork(file, [path, foreignHolder({})]);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'message');
  const lock = new InstanceLock(folder, 'app', { ...TIMES, staleMs: 60_000 });
  await lock.start();
  onTestFinished(() => lock.release());
  expect(lock.problem).toContain(`process ${child.pid}`);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(lock.problem).toBeNull());
});

test('a container on the same machine does not take over from one that is running, whatever its process ids are here', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'instance.lock');
  await writeFile(path, foreignHolder({ pid: deadPid(), pidNamespace: 'pid:[1]' }));
  const lock = await started(folder, 'app', ON_CALL);
  await beatWhile(lock, path);
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'READ_ONLY' });
  await expectTakeover(lock);
});

test('writes nothing after its release', async () => {
  const folder = await temporaryFolder();
  const lock = await started(folder);
  // Including a check from before, whose write would come afterwards.
  const pending = expect(lock.assertHeld()).rejects.toMatchObject({ code: 'READ_ONLY' });
  await lock.release();
  await pending;
  expect(lock.problem).toContain('closing');
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'READ_ONLY' });
  const next = await started(folder);
  expect(next.problem).toBeNull();
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'READ_ONLY' });
});

test('a lock with our own process id from an earlier process is taken over', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'instance.lock'), foreignHolder({}));
  expect((await started(folder)).problem).toBeNull();
});

test('a holder on another machine counts as gone once its heartbeat stops, whatever its clock says', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'instance.lock');
  await writeFile(path, foreignHolder({ machine: 'elsewhere', boot: 'another', pid: 1 }));
  await utimes(path, new Date(0), new Date(0));
  const lock = await started(folder, 'app', ON_CALL);
  await beatWhile(lock, path);
  await expectTakeover(lock);
});

test('an empty lock file, left by a full disk, does not lock everyone out permanently', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'instance.lock'), '');
  const lock = await started(folder);
  expect(lock.problem).not.toBeNull();
  await vi.waitFor(() => expect(lock.problem).toBeNull());
});

test('an instance that slept through a takeover notices before it writes', async () => {
  const folder = await temporaryFolder();
  const lock = new InstanceLock(folder, 'app', { ...TIMES, beatMs: 60_000 });
  await lock.start();
  onTestFinished(() => lock.release());
  await writeFile(join(folder, 'instance.lock'), foreignHolder({ machine: 'elsewhere', boot: 'another' }));
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'READ_ONLY' });
  await lock.release();
  expect(await readFile(join(folder, 'instance.lock'), 'utf8')).toContain('foreign');
});

test('of many instances that find an abandoned lock exactly one writes', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'instance.lock'), foreignHolder({ pid: deadPid() }));
  // None beats while it waits for the others to settle.
  const times = { ...TIMES, staleMs: 60_000, settleMs: 200 };
  const locks = await Promise.all(Array.from({ length: 8 }, () => started(folder, 'app', times)));
  const winners = () => locks.filter((lock) => lock.problem === null);
  await vi.waitFor(() => expect(winners()).toHaveLength(1));
  await sleep(100);
  expect(winners()).toHaveLength(1);
});

test('a deleted lock file is recreated before the next write', async () => {
  const folder = await temporaryFolder();
  // A heartbeat would meet the folder half deleted.
  const lock = await started(folder, 'app', ON_CALL);
  await rm(folder, { recursive: true });
  await lock.assertHeld();
  expect(await readFile(join(folder, 'instance.lock'), 'utf8')).toContain(String(process.pid));
});

test('a folder that cannot be written makes the instance read-only, with the reason', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const lock = await started(join(folder, 'file', 'inside'));
  expect(lock.problem).toContain('Could not write');
});
