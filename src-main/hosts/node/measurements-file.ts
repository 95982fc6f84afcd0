/** Stores measurements of this computer in a file, so that a second start need not measure again. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Measurements } from '../../engine/api/platform.ts';
import { isFresh, type StoredMeasurement } from '../stored-measurements.ts';

/** Larger files are not from this program. */
const MOST_BYTES = 65_536;
const MOST_ENTRIES = 100;

/**
 * Stores measurements for a day, separately by processor, number of threads and version of V8: copies of a folder and
 * several runtimes may share the file. An unreadable or invalid file counts as empty.
 *
 * @param path created with its folder on first use; failing to is not an error
 */
export function measurementsFile(path: string): Measurements {
  const machine = `${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} at once, V8 ${process.versions.v8}`;
  const keyOf = (key: string) => `${machine}, ${key}`;
  return {
    async get(key) {
      return (await readEntries(path)).get(keyOf(key))?.numbers;
    },
    async set(key, numbers) {
      const entries = await readEntries(path);
      entries.set(keyOf(key), { at: Date.now(), numbers });
      const kept = [...entries].sort(([, a], [, b]) => b.at - a.at).slice(0, MOST_ENTRIES);
      await replaceFile(path, JSON.stringify(Object.fromEntries(kept)));
    },
  };
}

/** Unexpired entries. */
async function readEntries(path: string): Promise<Map<string, StoredMeasurement>> {
  try {
    const file = await stat(path);
    if (!file.isFile() || file.size > MOST_BYTES) return new Map();
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    const now = Date.now();
    const entries = Object.entries(value ?? {}) as [string, unknown][];
    return new Map(entries.filter((entry): entry is [string, StoredMeasurement] => isFresh(entry[1], now)));
  } catch {
    return new Map();
  }
}

/** Atomically, so that another process reads the old file or the new one. No load waits until the disk has it. */
async function replaceFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, text, { mode: 0o600, fsync: false });
  } catch {
    // It will be measured again.
  }
}
