import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PREFIX_STORE_CASES } from '../../engine/test-support/prefix-store-cases.ts';
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
  it.each(PREFIX_STORE_CASES)('$name', ({ run }) => run((bytes) => prefixFolder(folder, { ...limits, bytes })));

  it('is readable by its owner only', async () => {
    await prefixFolder(folder, limits).set(key(1), block(1));
    const modes = [(await stat(folder)).mode, (await stat(join(folder, `${key(1)}.kv`))).mode];
    if (process.platform !== 'win32') expect(modes.map((mode) => mode & 0o077)).toEqual([0, 0]);
  });

  it('keeps the beginning of a chat longer than its end', async () => {
    const store = prefixFolder(folder, { ...limits, files: 3 });
    const other = prefixFolder(folder, { ...limits, files: 3 });
    for (let i = 0; i < 3; i++) await store.set(key(i), block(i));
    await store.use('a', [key(0), key(1), key(2)]);
    await other.set(key(3), block(3));
    expect(await store.has(key(0))).toBe(true);
    expect(await store.has(key(2))).toBe(false);
  });

  it('deletes the lists of chats whose blocks are gone', async () => {
    const few = { ...limits, files: 10 };
    const store = prefixFolder(folder, few);
    await store.use('long-gone', [key(99)]);
    const old = new Date(Date.now() - 60_000);
    await utimes(join(folder, 'long-gone.keys'), old, old);
    // It looks at the folder with every 32nd file.
    for (let i = 0; i < 33; i++) await store.set(key(i), block(i));
    await store.use('new', [key(32)]);
    for (const i of [33, 34]) await prefixFolder(folder, few).set(key(i), block(i));
    const names = await readdir(folder);
    expect(names.filter((name) => name.endsWith('.keys'))).toEqual(['new.keys']);
    expect(names).toHaveLength(10);
  });

  it('deletes no other files, whatever a list says', async () => {
    const store = prefixFolder(folder, limits);
    await store.set(key(1), block(1));
    await writeFile(join(parent, 'mine.kv'), 'mine');
    await writeFile(join(folder, 'a.keys'), `../mine\n${key(1)}\n`);
    await store.deleteChat('a');
    expect([await readdir(parent), await readdir(folder)]).toEqual([['cache', 'mine.kv'], []]);
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
    const store = prefixFolder(folder, limits);
    await store.set(key(1), block(1));
    await store.use('a', [key(1)]);
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await store.clear();
    expect(await readdir(folder)).toEqual(['notes.txt']);
  });

  it('ignores files that a killed process did not finish, and deletes them later', async () => {
    // Writes blocks until it is killed.
    const script = `
      import { prefixFolder } from ${JSON.stringify(new URL('./prefix-folder.ts', import.meta.url).href)};
      const store = prefixFolder(${JSON.stringify(folder)}, ${JSON.stringify({ ...limits, bytes: 2 ** 30 })});
      const bytes = new Uint8Array(4 * 1024 * 1024).fill(7);
      process.stdout.write('ready');
      for (let i = 0; ; i = (i + 1) % 16) await store.set(i.toString(16).padStart(64, '0'), bytes);
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    await once(child.stdout, 'data');
    // The first write is under way.
    await vi.waitFor(() => stat(folder));
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
});
