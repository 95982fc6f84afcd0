import { type FileHandle, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeCompletely } from './write-completely.ts';

test('a file that cannot be completed is removed, and an older one stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-write-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'x');
  await writeFile(path, 'old');
  const failing = async (file: FileHandle) => {
    await file.writeFile('half');
    throw new Error('disk full');
  };
  await expect(writeCompletely(path, failing)).rejects.toThrow('disk full');
  expect(await readdir(folder)).toEqual(['x']);
  expect(await readFile(path, 'utf8')).toBe('old');
  await writeCompletely(path, (file) => file.writeFile('new'));
  expect(await readdir(folder)).toEqual(['x']);
  expect(await readFile(path, 'utf8')).toBe('new');
});
