import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lib/lock.mjs';
import { capture, root } from './lib/run.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenscope-lock-'));
  path = join(folder, 'some', 'lock');
});
afterEach(() => rm(folder, { recursive: true }));

test('work under one lock never overlaps, and the lock file is deleted afterwards', async () => {
  let inside = 0;
  let waited = 0;
  const work = async () => {
    expect(++inside).toBe(1);
    await sleep(20);
    inside--;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, work, { onWait: () => waited++ })));
  expect(waited).toBeGreaterThan(0);
  await expect(readFile(path)).rejects.toThrow('ENOENT');
});

test('a failure releases the lock', async () => {
  await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await withLock(path, () => Promise.resolve('yes'))).toBe('yes');
});

test('the lock of an exited process is taken over, that of a running process is not', async () => {
  const ended = await capture(process.execPath, ['-e', 'console.log(process.pid)'], { cwd: root });
  await withLock(path, async () => undefined);
  await writeFile(path, ended.stdout.trim());
  expect(await withLock(path, () => Promise.resolve('taken'))).toBe('taken');
  await writeFile(path, String(process.ppid));
  await expect(withLock(path, () => Promise.resolve(), { timeoutMs: 150 })).rejects.toThrow('held by another process');
});
