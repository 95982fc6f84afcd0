import { readdir, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { HeartbeatWatch, LockFile, type FoundLock } from './lock-file.ts';
import { parseHolder, presenceOf } from './lock-holder.ts';
import { temporaryFolder } from './test-support/support.ts';

function lockAt(path: string, label = 'file'): LockFile {
  const lock = new LockFile(path, label);
  onTestFinished(() => lock.forget());
  return lock;
}

test('whoever creates the file holds the lock, in a folder that is made, until it is released', async () => {
  const path = join(await temporaryFolder(), 'new', 'lock');
  const [first, second] = [lockAt(path, 'app'), lockAt(path)];
  expect(await first.read()).toBeNull();
  expect([await first.create(), await second.create()]).toEqual([true, false]);
  expect([await first.isHeld(), await second.isHeld()]).toEqual([true, false]);
  const found = await second.read();
  expect(found?.holder).toMatchObject({ label: 'app', pid: process.pid });
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);

  // Only its own lock goes.
  await second.release();
  expect(await first.isHeld()).toBe(true);
  expect(presenceOf((found as FoundLock).holder)).toBe('running');
  await first.release();
  expect(await first.read()).toBeNull();
  expect(presenceOf((found as FoundLock).holder)).toBe('gone');
});

test('a lock that was left behind is removed, one that was taken meanwhile is not, and nothing else is left', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'lock');
  await writeFile(path, 'left behind');
  const lock = lockAt(path);
  const found = (await lock.read()) as FoundLock;
  await lock.removeLeftBehind(found);
  expect(await readdir(folder)).toEqual([]);
  await lock.removeLeftBehind(found);

  await writeFile(path, 'taken');
  await lock.removeLeftBehind(found);
  expect(await readFile(path, 'utf8')).toBe('taken');
  expect(await readdir(folder)).toEqual(['lock']);
});

test('a heartbeat stands still or moves, by this process’s clock and per holder', async () => {
  const path = join(await temporaryFolder(), 'lock');
  const lock = lockAt(path);
  const watch = new HeartbeatWatch();
  expect(await watch.look(path, 'a')).toBe(0);
  await lock.create();
  await utimes(path, new Date(0), new Date(0));
  // A file that has not changed for decades is news at the first look. 1000 ms: no look takes that long.
  expect(await watch.look(path, 'a')).toBeLessThan(1000);
  expect(watch.hasMoved).toBe(false);
  await lock.beat();
  await watch.look(path, 'a');
  expect(watch.hasMoved).toBe(true);
  await lock.beat();
  await watch.look(path, 'b');
  expect(watch.hasMoved).toBe(false);
  await unlink(path);
  expect(await watch.look(path, 'b')).toBe(0);
});

test('reads locks of earlier versions and damaged ones', () => {
  expect(parseHolder('12 host 0f8fad5b')).toMatchObject({ pid: 12, machine: 'host', token: '12 host 0f8fad5b' });
  expect(presenceOf(parseHolder(''))).toBe('unknown');
  expect(presenceOf(parseHolder('{"pid":1}'))).toBe('unknown');
});
