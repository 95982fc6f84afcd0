import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { addressWithCode, addressWithKey, Invitations, webKey } from './web-key.ts';

test('a data folder has one key, also for hosts that start at the same time, and only its owner can read it', async () => {
  const folder = join(await temporaryFolder(), 'data');
  const keys = await Promise.all(Array.from({ length: 8 }, () => webKey(folder)));
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[\w-]{43}$/);
  expect(await webKey(folder)).toBe(keys[0]);
  expect(await readdir(folder)).toEqual(['web-key']);
  if (process.platform !== 'win32') expect((await stat(join(folder, 'web-key'))).mode & 0o777).toBe(0o600);
  expect(await webKey(await temporaryFolder())).not.toBe(keys[0]);
});

test.skipIf(process.platform === 'win32')('a damaged key, or one that others could read, is replaced', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'web-key');
  const first = await webKey(folder);
  await chmod(path, 0o644);
  const second = await webKey(folder);
  expect(second).not.toBe(first);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  for (const damaged of ['', 'short', `${second}\n${second}`]) {
    await writeFile(path, damaged);
    const key = await webKey(folder);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(await readFile(path, 'utf8')).toBe(key);
  }
});

test('a folder that cannot store a key reports the reason', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'web-key'));
  await expect(webKey(folder)).rejects.toMatchObject({ code: 'STORAGE' });
});

test('the key is after the #, which no browser sends', () => {
  expect(addressWithKey('http://127.0.0.1:4317', 'abc')).toBe('http://127.0.0.1:4317/#key=abc');
  expect(addressWithCode('http://127.0.0.1:4317', 'abc')).toBe('http://127.0.0.1:4317/#once=abc');
  expect(new URL(addressWithKey('http://127.0.0.1:4317', 'abc')).pathname).toBe('/');
});

test('an invitation is valid once, for a minute, and only the latest one', () => {
  let now = 0;
  const invitations = new Invitations(() => now);
  expect(invitations.take(undefined)).toBe(false);
  expect(invitations.take('')).toBe(false);
  const first = invitations.invite();
  const second = invitations.invite();
  expect(invitations.take(first)).toBe(false);
  expect(invitations.take(second)).toBe(true);
  expect(invitations.take(second)).toBe(false);
  const late = invitations.invite();
  now += 60_001;
  expect(invitations.take(late)).toBe(false);
});
