import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { putAside, readJson, storageError, writeJson } from './json-file.ts';
import { temporaryFolder } from './test-support/support.ts';

test('a failed write keeps the old file, and the error says what to do', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'value.json');
  await writeJson(path, { value: 1 });
  await expect(writeJson(path, { value: 1n })).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await readJson(path)).toEqual({ state: 'read', value: { value: 1 } });
  expect(await readdir(folder)).toEqual(['value.json']);
  await expect(readJson(folder)).rejects.toMatchObject({ code: 'STORAGE' });
});

test('a full disk is reported with a remedy', () => {
  const error = storageError('write', '/data/a.json', Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }));
  expect(error.code).toBe('STORAGE');
  expect(error.message).toContain('the disk is full. Free some space');
});

test('a second damaged file of the same name does not replace the first', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'x.json');
  for (const text of ['one', 'two']) {
    await writeFile(path, text);
    await putAside(path);
  }
  expect(await readFile(`${path}.corrupt`, 'utf8')).toBe('one');
  expect(await readFile(`${path}.corrupt-2`, 'utf8')).toBe('two');
});
