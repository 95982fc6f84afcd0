/** A lock file held for the time of one change, among processes and within this one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../engine/api/errors.ts';
import { HeartbeatWatch, LockFile } from '../lock-file.ts';
import { presenceOf } from '../lock-holder.ts';

export interface FileLockOptions {
  /** How long to wait for a holder that is running, ms. With 0, neither for another process nor for this one. */
  waitMs: number;
  /** Interval of heartbeats, ms. */
  beatMs: number;
  /** A holder whose heartbeat is overdue by this time counts as gone, if its process cannot be checked, ms. */
  staleMs: number;
  /** Aborts the waiting, but not what the lock's holder does. */
  signal?: AbortSignal;
}

/** A held lock. */
export interface HeldLock {
  /** Aborted when another process took the lock, because this one was suspended. */
  lost: AbortSignal;
  /** Must be called right before a write. @throws EngineError STORAGE when the lock was lost or released */
  assertHeld(): Promise<void>;
}

const DEFAULTS = { waitMs: 5000, beatMs: 1000, staleMs: 5000 };
const RETRY_MS = 15;

/** Waiters for locks in this process, by path. */
const queues = new Map<string, Promise<unknown>>();
/** Heartbeats of other processes' locks by path, watched across attempts. */
const watches = new Map<string, HeartbeatWatch>();

/**
 * Runs `work` while no one else holds the lock.
 * @throws EngineError STORAGE when it cannot be acquired; the signal's reason; the system's error when the lock file
 * cannot be written
 */
export async function withFileLock<T>(
  path: string,
  work: (lock: HeldLock) => Promise<T>,
  options: Partial<FileLockOptions> = {},
): Promise<T> {
  const chosen = { ...DEFAULTS, ...options };
  const before = queues.get(path);
  if (before !== undefined && chosen.waitMs === 0) throw busy(path);
  let leave: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (leave = resolve));
  // Also after those before: one that stops waiting must not let the next one in early.
  const turn = Promise.all([before, done]);
  queues.set(path, turn);
  void turn.then(() => {
    if (queues.get(path) === turn) queues.delete(path);
  });
  try {
    await untilAborted(before, chosen.signal);
    return await hold(path, work, chosen);
  } finally {
    leave();
  }
}

async function hold<T>(path: string, work: (lock: HeldLock) => Promise<T>, options: FileLockOptions): Promise<T> {
  const file = new LockFile(path, 'file');
  try {
    await acquire(file, options);
  } catch (error) {
    file.forget();
    throw error;
  }
  const lost = new AbortController();
  let isReleased = false;
  const assertHeld = async (): Promise<void> => {
    if (!isReleased && !(await file.isHeld())) lost.abort(taken(path));
    if (isReleased || lost.signal.aborted) throw taken(path);
  };
  const beat = async (): Promise<void> => {
    await assertHeld();
    await file.beat();
  };
  // A beat that fails shows as one that stands still, and the next write asks again.
  const timer = setInterval(() => void beat().catch(() => undefined), options.beatMs);
  timer.unref();
  try {
    return await work({ lost: lost.signal, assertHeld });
  } finally {
    isReleased = true;
    clearInterval(timer);
    await file.release();
  }
}

async function acquire(file: LockFile, { waitMs, staleMs, signal }: FileLockOptions): Promise<void> {
  const { path } = file;
  const deadline = performance.now() + waitMs;
  for (;;) {
    signal?.throwIfAborted();
    if (await file.create()) {
      watches.delete(path);
      return;
    }
    const found = await file.read();
    if (found === null) continue;
    const presence = presenceOf(found.holder);
    const watch = watches.get(path) ?? new HeartbeatWatch();
    watches.set(path, watch);
    const stillMs = await watch.look(path, found.holder.token);
    if (presence === 'gone' || (presence === 'unknown' && stillMs > staleMs)) {
      await file.removeLeftBehind(found);
      continue;
    }
    // One or two heartbeats show whether the holder is alive.
    const isAlive = presence === 'running' || watch.hasMoved;
    if (performance.now() > (isAlive ? deadline : deadline + 2 * staleMs)) throw busy(path);
    await sleep(RETRY_MS, undefined, signal === undefined ? {} : { signal });
  }
}

async function untilAborted(before: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (before === undefined || signal === undefined) return void (await before);
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([before, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function busy(path: string): EngineError {
  return new EngineError('STORAGE', `Another Tokenscope is changing the same files (${path}). Try again.`, { path });
}

function taken(path: string): EngineError {
  const message = `Tokenscope lost its lock ${path}, so nothing was written. Try again.`;
  return new EngineError('STORAGE', message, { path });
}
