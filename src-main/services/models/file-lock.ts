/** A lock file held for the moment of one change, among processes and within this one. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../engine/errors.ts';
import { codeOf } from '../json-file.ts';

export interface FileLockTimes {
  /** How long to wait for another holder, ms. */
  waitMs: number;
  /** A lock this old was left behind, whoever holds it, ms. */
  staleMs: number;
}

const DEFAULT_TIMES: FileLockTimes = { waitMs: 5000, staleMs: 30_000 };
const RETRY_MS = 15;

/** What waits for a lock in this process, by its path. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Does `work` while no other process, and nobody else in this one, holds the lock.
 * @throws EngineError STORAGE when it cannot be had; the system's error when the lock file cannot be written
 */
export function withFileLock<T>(path: string, work: () => Promise<T>, times: Partial<FileLockTimes> = {}): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const result = before.then(async () => {
    const token = await acquire(path, { ...DEFAULT_TIMES, ...times });
    try {
      return await work();
    } finally {
      await release(path, token);
    }
  });
  // The next one comes whether this one fails or not.
  const settled = result.then(
    () => undefined,
    () => undefined,
  );
  queues.set(path, settled);
  void settled.then(() => {
    if (queues.get(path) === settled) queues.delete(path);
  });
  return result;
}

async function acquire(path: string, { waitMs, staleMs }: FileLockTimes): Promise<string> {
  const token = `${process.pid} ${hostname()} ${randomUUID()}`;
  const deadline = performance.now() + waitMs;
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    try {
      await writeFile(path, token, { flag: 'wx', mode: 0o600 });
      return token;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const holder = await readIfThere(path);
    if (holder !== null && (await isLeftBehind(path, holder, staleMs))) await removeLeftBehind(path, holder);
    else if (performance.now() > deadline) {
      throw new EngineError('STORAGE', `Another Tokenscope is changing the same files (${path}). Try again.`, { path });
    } else await sleep(RETRY_MS);
  }
}

async function release(path: string, token: string): Promise<void> {
  if ((await readIfThere(path)) === token) await unlink(path).catch(ignoreMissing);
}

async function isLeftBehind(path: string, holder: string, staleMs: number): Promise<boolean> {
  const [pid, machine] = holder.split(' ');
  if (machine === hostname() && Number(pid) !== process.pid && !isRunning(Number(pid))) return true;
  const found = await stat(path).catch(ignoreMissing);
  return found !== undefined && Date.now() - found.mtimeMs > staleMs;
}

/** Only the lock that was looked at goes: one that was taken meanwhile is put back. */
async function removeLeftBehind(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  const moved = await rename(path, aside).then(() => true, ignoreMissing);
  if (!moved) return;
  if ((await readIfThere(aside)) === holder) await unlink(aside);
  else await rename(aside, path);
}

async function readIfThere(path: string): Promise<string | null> {
  return (await readFile(path, 'utf8').catch(ignoreMissing)) ?? null;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
  return undefined;
}
