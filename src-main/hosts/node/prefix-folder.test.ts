import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prefixFolder } from './prefix-folder.ts';

const KB = 1024;
const key = (i: number) => i.toString(16).padStart(64, '0');
const block = (i: number) => new Uint8Array(KB).fill(i);
const limits = { bytes: 64 * KB, files: 1000, freeBytes: 0 };

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'prefixes-'));
  folder = join(parent, 'cache');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

describe('a folder of blocks', () => {
  it('returns what was stored, also to another process', async () => {
    const store = prefixFolder(folder);
    expect([await store.get(key(1)), await store.has(key(1)), await store.size()]).toEqual([
      ...[undefined, false],
      { bytes: 0, limit: 2 ** 30 },
    ]);
    await store.set(key(1), block(1));
    const other = prefixFolder(folder);
    expect(new Uint8Array((await other.get(key(1)))!)).toEqual(block(1));
    expect([await other.has(key(1)), (await other.size()).bytes]).toEqual([true, KB]);
    await other.delete(key(1));
    await other.delete(key(1));
    expect(await store.get(key(1))).toBeUndefined();
  });

  it('is readable by its owner only', async () => {
    await prefixFolder(folder).set(key(1), block(1));
    const modes = [(await stat(folder)).mode, (await stat(join(folder, `${key(1)}.kv`))).mode];
    if (process.platform !== 'win32') expect(modes.map((mode) => mode & 0o077)).toEqual([0, 0]);
  });

  it('deletes what was used least recently', async () => {
    const store = prefixFolder(folder, limits);
    for (let i = 0; i < 64; i++) await store.set(key(i), block(i));
    const old = new Date(Date.now() - 60_000);
    for (let i = 0; i < 64; i++) await utimes(join(folder, `${key(i)}.kv`), old, old);
    await store.touch([key(0), key(1), key(2000)]);
    // It looks at the folder with every 32nd file.
    for (let i = 64; i < 97; i++) await store.set(key(i), block(i));
    expect((await store.size()).bytes).toBeLessThanOrEqual(limits.bytes);
    expect([await store.has(key(0)), await store.has(key(1)), await store.has(key(96))]).toEqual([true, true, true]);
  });

  it('keeps the beginning of a chat longer than its end', async () => {
    const store = prefixFolder(folder, { ...limits, files: 3 });
    const other = prefixFolder(folder, { ...limits, files: 3 });
    for (let i = 0; i < 3; i++) await store.set(key(i), block(i));
    await store.touch([key(0), key(1), key(2)]);
    await other.set(key(3), block(3));
    expect(await store.has(key(0))).toBe(true);
    expect(await store.has(key(2))).toBe(false);
  });

  it('refuses to fill the disk, and leaves nothing behind', async () => {
    const store = prefixFolder(folder, { ...limits, freeBytes: Number.MAX_SAFE_INTEGER });
    await expect(store.set(key(1), block(1))).rejects.toMatchObject({ code: 'STORAGE' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('fails with STORAGE if there is no folder', async () => {
    await writeFile(folder, '');
    await expect(prefixFolder(folder).set(key(1), block(1))).rejects.toMatchObject({ code: 'STORAGE' });
    await expect(prefixFolder(folder).size()).rejects.toMatchObject({ code: 'STORAGE' });
  });

  it('deletes everything of its own, and nothing else', async () => {
    const store = prefixFolder(folder);
    await store.set(key(1), block(1));
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await store.clear();
    expect(await readdir(folder)).toEqual(['notes.txt']);
  });

  it('ignores files that a killed process did not finish, and deletes them later', async () => {
    // Writes blocks until it is killed.
    const script = `
      import { prefixFolder } from ${JSON.stringify(new URL('./prefix-folder.ts', import.meta.url).href)};
      const store = prefixFolder(${JSON.stringify(folder)});
      const bytes = new Uint8Array(4 * 1024 * 1024).fill(7);
      process.stdout.write('ready');
      for (let i = 0; ; i = (i + 1) % 16) await store.set(i.toString(16).padStart(64, '0'), bytes);
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 150));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = prefixFolder(folder);
    for (let i = 0; i < 16; i++) {
      const found = await store.get(key(i));
      if (found !== undefined) expect(found.length).toBe(4 * KB * KB);
    }
    const unfinished = join(folder, `${key(1)}.kv.1-x.tmp`);
    await writeFile(unfinished, 'half');
    await truncate(unfinished, 2);
    await store.size();
    expect(await readdir(folder)).toContain(`${key(1)}.kv.1-x.tmp`);
    const long = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(unfinished, long, long);
    await store.size();
    expect(await readdir(folder)).not.toContain(`${key(1)}.kv.1-x.tmp`);
  });

  it('may be used by two at once', async () => {
    const stores = [prefixFolder(folder, limits), prefixFolder(folder, limits)];
    await Promise.all(
      stores.map(async (store) => {
        for (let i = 0; i < 100; i++) {
          await store.set(key(i % 70), block(i % 70));
          const found = await store.get(key((i * 3) % 70));
          if (found !== undefined) expect(new Uint8Array(found)).toEqual(block((i * 3) % 70));
          if (i % 10 === 0) await store.touch([key(i % 70)]);
        }
      }),
    );
    expect((await stores[0].size()).bytes).toBeLessThanOrEqual(limits.bytes + 32 * KB);
  });
});
