import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeAtomically } from './atomic-write.ts';
import { smallDisk } from './test-support/small-disk.ts';
import { temporaryFolder } from './test-support/support.ts';

test('a file is created and replaced, readable by its owner only', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'file');
  for (const text of ['one', 'two']) {
    await writeAtomically(path, text);
    expect(await readFile(path, 'utf8')).toBe(text);
    await chmod(path, 0o644);
  }
  await writeAtomically(path, Buffer.from('three'));
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['file']);
});

test('a link stays a link', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'elsewhere'));
  await writeFile(join(folder, 'elsewhere', 'file'), 'one');
  await symlink(join('elsewhere', 'file'), join(folder, 'link'));
  await writeAtomically(join(folder, 'link'), 'two');
  expect(await readFile(join(folder, 'elsewhere', 'file'), 'utf8')).toBe('two');
});

test('a failed write leaves nothing behind', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'file'));
  await expect(writeAtomically(join(folder, 'file'), 'text')).rejects.toThrow(/EISDIR|EEXIST|ENOTEMPTY|EPERM/);
  await expect(writeAtomically(join(folder, 'missing', 'file'), 'text')).rejects.toThrow('ENOENT');
  expect(await readdir(folder)).toEqual(['file']);
});

test('a disk that becomes full in the middle of a write keeps the old content', async (context) => {
  const { folder, problem } = await smallDisk();
  if (problem !== null) context.skip(`no small disk can be mounted: ${problem}`);
  const path = join(folder, 'file');
  await writeAtomically(path, 'old');
  await expect(writeAtomically(path, 'new '.repeat(100_000))).rejects.toThrow('ENOSPC');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['file']);
  await rm(path);
});
