import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { addressWithCode, addressWithKey, Invitations, newKey, replaceKey, storedKey, webKey } from './web-key.ts';

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

test.skipIf(process.platform === 'win32')(
  'no key is stored or replaced where others could read every file',
  async () => {
    const folder = await temporaryFolder();
    const openToAll = async () => 0o100777;
    const problem = { code: 'STORAGE', message: expect.stringContaining('other users of this computer') as string };
    for (let start = 0; start < 2; start++) await expect(webKey(folder, openToAll)).rejects.toMatchObject(problem);
    expect(await readdir(folder)).toEqual([]);
    const key = await webKey(folder);
    await expect(webKey(folder, openToAll)).rejects.toMatchObject(problem);
    expect(await readdir(folder)).toEqual(['web-key']);
    expect(await webKey(folder)).toBe(key);
  },
);

test('the stored key is read without changing it, unless it is not valid', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'web-key');
  const problem = { code: 'STORAGE', message: expect.stringContaining('no valid key') as string };
  await expect(storedKey(folder)).rejects.toMatchObject(problem);
  expect(await readdir(folder)).toEqual([]);
  const key = await webKey(folder);
  expect(await storedKey(folder)).toBe(key);
  await writeFile(path, 'short');
  await expect(storedKey(folder)).rejects.toMatchObject(problem);
  await writeFile(path, key);
  if (process.platform === 'win32') return;
  await chmod(path, 0o644);
  await expect(storedKey(folder)).rejects.toMatchObject(problem);
  expect(await readFile(path, 'utf8')).toBe(key);
});

test('another key replaces the stored one', async () => {
  const folder = await temporaryFolder();
  const [first, second] = [await webKey(folder), newKey()];
  await replaceKey(folder, second);
  expect(second).not.toBe(first);
  expect(await webKey(folder)).toBe(second);
  expect(await readdir(folder)).toEqual(['web-key']);
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
  expect(invitations.wasTaken(late)).toBe(false);
});

test('a code that is used again is recognised, once, for a minute', () => {
  let now = 0;
  const invitations = new Invitations(() => now);
  const admit = () => {
    const code = invitations.invite();
    expect(invitations.wasTaken(code)).toBe(false);
    expect(invitations.take(code)).toBe(true);
    return code;
  };
  const code = admit();
  for (const other of [undefined, '', code.slice(1)]) expect(invitations.wasTaken(other)).toBe(false);
  now += 59_000;
  expect(invitations.wasTaken(code)).toBe(true);
  expect(invitations.wasTaken(code)).toBe(false);
  const late = admit();
  now += 60_001;
  expect(invitations.wasTaken(late)).toBe(false);
});
