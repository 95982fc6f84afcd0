/** Stores the prefix cache as files in a folder, which several processes may share. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
/** After this, a file that is not finished was left by a process that ended. */
const UNFINISHED_MS = 60 * 60 * 1000;
/** Files that are written between two looks at the folder: other processes write too. */
const WRITES_PER_LOOK = 32;
/** What is deleted at once, so that it is rarely necessary. */
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
  let writes = 0;

  return {
    get: (key) => unlessMissing(readFile(pathOf(key))),
    async has(key) {
      return (await unlessMissing(stat(pathOf(key)))) !== undefined;
    },
    async set(key, bytes) {
      const unfinished = `${pathOf(key)}.${process.pid}-${randomUUID()}.tmp`;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const { bavail, bsize } = await statfs(folder);
        if (bavail * bsize < limits.freeBytes + bytes.length) {
          throw new EngineError('STORAGE', 'There is too little space left on the disk.');
        }
        await writeFile(unfinished, bytes, { mode: 0o600 });
        await rename(unfinished, pathOf(key));
      } catch (cause) {
        await rm(unfinished, { force: true }).catch(() => undefined);
        throw storageError(cause);
      }
      if (writes++ % WRITES_PER_LOOK === 0) await makeRoom(folder, limits);
    },
    delete: (key) => rm(pathOf(key), { force: true }),
    async touch(keys) {
      const now = Date.now();
      // Its granularity may be a millisecond.
      for (const [i, key] of keys.entries()) {
        const used = new Date(now - i);
        await unlessMissing(utimes(pathOf(key), used, used));
      }
    },
    async size() {
      const files = await storedFiles(folder);
      return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), limit: limits.bytes };
    },
    async clear() {
      for (const name of await names(folder)) {
        if (NAME.test(name) || UNFINISHED.test(name)) await rm(join(folder, name), { force: true });
      }
    },
    sha256: (bytes) => Promise.resolve(createHash('sha256').update(bytes).digest()),
  };
}

/** Deletes the files that were used least recently, if there are too many. */
async function makeRoom(folder: string, limits: FolderLimits): Promise<void> {
  const files = await storedFiles(folder);
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  let count = files.length;
  if (bytes <= limits.bytes && count <= limits.files) return;
  for (const file of files.sort((a, b) => a.used - b.used)) {
    if (bytes <= KEPT_SHARE * limits.bytes && count <= KEPT_SHARE * limits.files) break;
    await rm(file.path, { force: true });
    bytes -= file.bytes;
    count--;
  }
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
    else if (Date.now() - found.mtimeMs > UNFINISHED_MS) await rm(path, { force: true });
  }
  return files;
}

async function names(folder: string): Promise<string[]> {
  return (await unlessMissing(readdir(folder))) ?? [];
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
