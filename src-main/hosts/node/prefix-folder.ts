/** Stores the prefix cache as files in a folder, which several processes may share. */
import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import type { PrefixStore } from '../../engine/api/platform.ts';

/** Limits of the folder, and what must stay free on the disk for everything else. */
export interface FolderLimits {
  bytes: number;
  files: number;
  freeBytes: number;
}

const LIMITS: FolderLimits = { bytes: 2 ** 30, files: 4096, freeBytes: 2 ** 30 };
const NAME = /^[\da-f]{64}\.kv$/;
const UNFINISHED = /^[\da-f]{64}\.kv\..*\.tmp$/;
/** Keys of the blocks that a chat has used, one per line. */
const CHAT = /^[\w-]{1,64}\.keys$/;
const KEY = /^[\da-f]{64}$/;
/** After this, a file that is not finished was left by a process that ended. */
const UNFINISHED_MS = 60 * 60 * 1000;
/** Files that are written between two looks at the folder: other processes write too. */
const WRITES_PER_LOOK = 32;
/** Share of the limit that is left when blocks are deleted, so that this is rarely necessary. */
const KEPT_SHARE = 0.9;

interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  /** When it was last used, ms. */
  readonly used: number;
}

/**
 * A file is written under another name and then renamed, so a process that ends meanwhile leaves nothing under a key. Equal
 * keys have equal content, so it does not matter which of two processes is the last. The time of change is that of the last
 * use.
 *
 * @param folder created when it is needed
 */
export function prefixFolder(folder: string, limits: FolderLimits = LIMITS): PrefixStore {
  const pathOf = (key: string) => join(folder, `${key}.kv`);
  const listOf = (chat: string) => join(folder, `${chat}.keys`);
  let writes = 0;

  return {
    machine: `${cpus()[0]?.model ?? process.arch}, V8 ${process.versions.v8}`,
    get: (key) => unlessMissing(readFile(pathOf(key))),
    async has(key) {
      return (await unlessMissing(stat(pathOf(key)))) !== undefined;
    },
    async set(key, bytes, used = Date.now()) {
      const unfinished = `${pathOf(key)}.${process.pid}-${randomUUID()}.tmp`;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const { bavail, bsize } = await statfs(folder);
        if (bavail * bsize < limits.freeBytes + bytes.length) {
          throw new EngineError('STORAGE', 'There is too little space left on the disk.');
        }
        await writeFile(unfinished, bytes, { mode: 0o600 });
        await setUsed(unfinished, used);
        await rename(unfinished, pathOf(key));
      } catch (cause) {
        await rm(unfinished, { force: true }).catch(() => undefined);
        throw storageError(cause);
      }
      return writes++ % WRITES_PER_LOOK === 0 ? evict(folder, limits) : [];
    },
    capacity: (blockBytes) => Math.floor(KEPT_SHARE * Math.min(limits.bytes / blockBytes, limits.files)),
    delete: (key) => remove(pathOf(key)),
    async use(chat, keys) {
      const now = Date.now();
      const known = new Set(await keysIn(listOf(chat)));
      const added = keys.filter((key) => !known.has(key));
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await appendFile(listOf(chat), added.map((key) => `${key}\n`).join(''), { mode: 0o600 });
      } catch (cause) {
        throw storageError(cause);
      }
      await setUsed(listOf(chat), now);
      // Its granularity may be a millisecond.
      for (const [i, key] of keys.entries()) await setUsed(pathOf(key), now - i);
    },
    async deleteChat(chat) {
      const keys = new Set(await keysIn(listOf(chat)));
      for (const name of await names(folder)) {
        if (!CHAT.test(name) || name === `${chat}.keys`) continue;
        for (const key of await keysIn(join(folder, name))) keys.delete(key);
      }
      for (const path of [...[...keys].map(pathOf), listOf(chat)]) await remove(path);
    },
    async size() {
      const files = await storedFiles(folder);
      return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), limit: limits.bytes };
    },
    async clear() {
      for (const name of await names(folder)) {
        if ([NAME, UNFINISHED, CHAT].some((own) => own.test(name))) await remove(join(folder, name));
      }
    },
    sha256: (bytes) => Promise.resolve(createHash('sha256').update(bytes).digest()),
  };
}

/** Deletes the files that were used least recently, if there are too many. @returns their keys */
async function evict(folder: string, limits: FolderLimits): Promise<string[]> {
  const files = (await storedFiles(folder)).sort((a, b) => a.used - b.used);
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  let count = files.length;
  if (bytes <= limits.bytes && count <= limits.files) return [];
  const deleted: string[] = [];
  for (const file of files) {
    if (bytes <= KEPT_SHARE * limits.bytes && count <= KEPT_SHARE * limits.files) break;
    await remove(file.path);
    deleted.push(basename(file.path, '.kv'));
    bytes -= file.bytes;
    count--;
  }
  // A chat's list is as new as its newest block, so an older one has none left, or only blocks of other chats.
  const oldest = files[files.length - count]?.used ?? Infinity;
  for (const name of await names(folder)) {
    const path = join(folder, name);
    if (CHAT.test(name) && ((await unlessMissing(stat(path)))?.mtimeMs ?? Infinity) < oldest) await remove(path);
  }
  return deleted;
}

/** Files of the cache. Deletes what other processes left unfinished long ago. */
async function storedFiles(folder: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for (const name of await names(folder)) {
    const path = join(folder, name);
    if (!NAME.test(name) && !UNFINISHED.test(name)) continue;
    const found = await unlessMissing(stat(path));
    if (found === undefined) continue;
    if (NAME.test(name)) files.push({ path, bytes: found.size, used: found.mtimeMs });
    else if (Date.now() - found.mtimeMs > UNFINISHED_MS) await remove(path);
  }
  return files;
}

async function names(folder: string): Promise<string[]> {
  return (await unlessMissing(readdir(folder))) ?? [];
}

/** Empty if there is no such file. Lines that are no keys are ignored. */
async function keysIn(list: string): Promise<string[]> {
  const text = (await unlessMissing(readFile(list, 'utf8'))) ?? '';
  return text.split('\n').filter((line) => KEY.test(line));
}

async function setUsed(path: string, ms: number): Promise<void> {
  await unlessMissing(utimes(path, new Date(ms), new Date(ms)));
}

async function remove(path: string): Promise<void> {
  await unlessMissing(rm(path));
}

/** @throws EngineError STORAGE for any other failure */
async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw storageError(cause);
  }
}

function storageError(cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new EngineError('STORAGE', `The prefix cache: ${message}`, {}, { cause });
}
