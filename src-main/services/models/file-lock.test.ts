import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../test-support/support.ts';
import { withFileLock } from './file-lock.ts';

test('one at a time, in order, also after a failure, and nothing is left', async () => {
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

test('waits for another process, gives up after a while, and takes over from a dead or forgotten one', async () => {
  const path = join(await temporaryFolder(), 'lock');
  const alive = `${process.ppid} ${hostname()} other`;
  await writeFile(path, alive);
  await expect(withFileLock(path, async () => 'mine', { waitMs: 50 })).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await readFile(path, 'utf8')).toBe(alive);

  await writeFile(path, `999999999 ${hostname()} dead`);
  expect(await withFileLock(path, async () => 'mine', { waitMs: 0 })).toBe('mine');

  await writeFile(path, '1 another-machine other');
  await utimes(path, 1, 1);
  expect(await withFileLock(path, async () => 'mine', { waitMs: 0 })).toBe('mine');
});
