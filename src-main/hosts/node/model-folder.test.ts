import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileByteSource } from './file-byte-source.ts';
import { listModelIds, openModelFolder } from './model-folder.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tokenscope-models-'));
  await mkdir(join(dir, 'tiny'));
  await writeFile(join(dir, 'tiny', 'config.json'), '{}');
  await writeFile(
    join(dir, 'tiny', 'model.bin'),
    Uint8Array.from({ length: 100 }, (_, i) => i),
  );
  await mkdir(join(dir, 'no-model'));
  await writeFile(join(dir, 'a-file'), '');
});
afterEach(() => rm(dir, { recursive: true }));

describe('openFileByteSource', () => {
  it('reads any range', async () => {
    const file = await openFileByteSource(join(dir, 'tiny', 'model.bin'));
    expect(file).toMatchObject({ name: 'model.bin', size: 100 });
    expect([...(await file.read(10, 3))]).toEqual([10, 11, 12]);
    expect(await file.read(100, 0)).toHaveLength(0);
    await file.close?.();
  });

  it.each([
    [98, 3],
    [-1, 2],
    [0, -1],
    [0.5, 1],
    [NaN, 1],
    [2 ** 60, 1],
  ])('refuses the range %d, %d', async (offset, length) => {
    const file = await openFileByteSource(join(dir, 'tiny', 'model.bin'));
    await expect(file.read(offset, length)).rejects.toMatchObject({ code: 'MODEL_FORMAT', details: { size: 100 } });
    await file.close?.();
  });

  it('reports a file that became shorter', async () => {
    const path = join(dir, 'tiny', 'model.bin');
    const file = await openFileByteSource(path);
    await truncate(path, 50);
    await expect(file.read(40, 20)).rejects.toMatchObject({ code: 'MODEL_IO' });
    await file.close?.();
  });

  it('reports what is missing or not a file', async () => {
    await expect(openFileByteSource(join(dir, 'none'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(openFileByteSource(join(dir, 'a-file', 'x'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(openFileByteSource(join(dir, 'tiny'))).rejects.toMatchObject({ code: 'MODEL_IO' });
  });
});

describe('openModelFolder', () => {
  it('opens the files of a model', async () => {
    const files = await openModelFolder(dir, 'tiny');
    expect([...files.names].sort()).toEqual(['config.json', 'model.bin']);
    const source = await files.open('config.json');
    expect(source.size).toBe(2);
    await source.close?.();
  });

  it.each(['../tiny', 'tiny/../tiny', '/etc', '..', '.', '', 'a\\b', 'a\0b'])('refuses %j as an id', async (id) => {
    await expect(openModelFolder(dir, id)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('opens neither other models nor files outside the folder', async () => {
    await expect(openModelFolder(dir, 'other')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(openModelFolder(dir, 'a-file')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const files = await openModelFolder(dir, 'tiny');
    await expect(files.open('../a-file')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});

describe('listModelIds', () => {
  it('lists the folders with a model', async () => {
    expect(await listModelIds(dir)).toEqual(['tiny']);
    expect(await listModelIds(join(dir, 'none'))).toEqual([]);
  });
});
