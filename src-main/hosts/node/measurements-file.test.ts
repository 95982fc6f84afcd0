import fs from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { measurementsFile } from './measurements-file.ts';

describe('the file of measurements', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenscope-measured-'));
    path = join(folder, 'data', 'measurements.json');
  });
  afterEach(async () => {
    vi.useRealTimers();
    await rm(folder, { recursive: true });
  });

  it('shares measurements with other processes', async () => {
    const here = measurementsFile(path);
    expect(await here.get('a')).toBeUndefined();
    await here.set('a', [1.5, 2]);
    await here.set('b', [3, 4]);
    await here.set('a', [5, 6]);
    const there = measurementsFile(path);
    expect(await there.get('a')).toEqual([5, 6]);
    expect(await there.get('b')).toEqual([3, 4]);
    expect(await there.get('c')).toBeUndefined();
    expect(await readdir(dirname(path))).toEqual(['measurements.json']);
  });

  it('expires after a day, also entries from the future', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const file = measurementsFile(path);
    await file.set('a', [1, 2]);
    vi.setSystemTime(Date.now() + 23 * 3_600_000);
    expect(await file.get('a')).toEqual([1, 2]);
    vi.setSystemTime(Date.now() + 2 * 3_600_000);
    expect(await file.get('a')).toBeUndefined();
    await file.set('b', [1, 2]);
    expect(await readFile(path, 'utf8')).not.toMatch(/, a"/);
    vi.setSystemTime(Date.now() - 1000);
    expect(await file.get('b')).toBeUndefined();
  });

  it('distinguishes computers: the processor, its threads and the version of V8 are part of the key', async () => {
    const file = measurementsFile(path);
    await file.set('a', [1, 2]);
    const text = await readFile(path, 'utf8');
    expect(text).toContain(`V8 ${process.versions.v8}, a"`);
    await writeFile(path, text.replace(process.versions.v8, '1.2.3'));
    expect(await file.get('a')).toBeUndefined();
  });

  it('keeps the latest hundred', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const file = measurementsFile(path);
    for (let i = 0; i <= 100; i++) {
      vi.setSystemTime(Date.now() + 1);
      await file.set(`${i}`, [1, 2]);
    }
    expect(await file.get('0')).toBeUndefined();
    expect(await file.get('1')).toEqual([1, 2]);
    expect(await file.get('100')).toEqual([1, 2]);
  });

  it.each(['', '{', 'null', '7', '"text"', '[1, 2]', '{"a":null}'])(
    'treats a file with %j as empty, and rewrites it',
    async (text) => {
      await mkdir(dirname(path));
      await writeFile(path, text);
      const file = measurementsFile(path);
      expect(await file.get('a')).toBeUndefined();
      await file.set('a', [1, 2]);
      expect(await file.get('a')).toEqual([1, 2]);
    },
  );

  it.each(['"1,2"', '[1,null]', '[1,-2]', '[0,1]', '[1,"2"]', '{"0":1}', '[1e999]'])('ignores %s', async (numbers) => {
    const file = measurementsFile(path);
    await file.set('a', [1, 2]);
    await writeFile(path, (await readFile(path, 'utf8')).replace('[1,2]', numbers));
    expect(await file.get('a')).toBeUndefined();
  });

  it('does not read a file of more than 65,536 bytes', async () => {
    const file = measurementsFile(path);
    await file.set('a', [1, 2]);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.padEnd(60_000));
    expect(await file.get('a')).toEqual([1, 2]);
    await writeFile(path, text.padEnd(65_537));
    expect(await file.get('a')).toBeUndefined();
    await file.set('b', [3, 4]);
    expect(await file.get('b')).toEqual([3, 4]);
  });

  it('does not wait until the disk has it', async () => {
    const sync = vi.spyOn(fs, 'fsync').mockImplementation((_, done) => done(new Error('It waited.')));
    const file = measurementsFile(path);
    await file.set('a', [1, 2]);
    sync.mockRestore();
    expect(await file.get('a')).toEqual([1, 2]);
  });

  it('works without a writable file', async () => {
    // A folder at its path, a file at its folder's path.
    await mkdir(path, { recursive: true });
    await writeFile(join(folder, 'file'), '');
    for (const place of [path, join(folder, 'file', 'measurements.json')]) {
      const file = measurementsFile(place);
      await file.set('a', [1, 2]);
      expect(await file.get('a')).toBeUndefined();
    }
    expect(await readdir(dirname(path))).toEqual(['measurements.json']);
  });
});
