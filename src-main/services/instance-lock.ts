/**
 * Decides which instance may write in the data folder. One instance holds `instance.lock`; the others only read and take
 * over when it is gone. The file's content identifies the holder and never changes; its modification time is the holder's
 * heartbeat.
 */
import { mkdir, readFile, rename, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../engine/errors.ts';
import { codeOf, storageError } from './json-file.ts';
import {
  clearHolder,
  HeartbeatWatch,
  ignoreMissing,
  newHolder,
  parseHolder,
  presenceOf,
  type Holder,
} from './lock-holder.ts';

export interface LockTimes {
  /** Interval of heartbeats, and of checks of another instance's lock, ms. */
  beatMs: number;
  /** A holder whose heartbeat is overdue by this time counts as gone, ms. */
  staleMs: number;
  /** Wait after a takeover to make sure that no other instance took over too, ms. */
  settleMs: number;
}

const DEFAULT_TIMES: LockTimes = { beatMs: 1000, staleMs: 15_000, settleMs: 200 };

const RELEASED = 'Tokenscope is closing and no longer saves changes.';

export class InstanceLock {
  readonly #path: string;
  readonly #folder: string;
  readonly #times: LockTimes;
  readonly #self: Holder;
  readonly #listeners = new Set<(problem: string | null) => void>();
  /** Why this instance does not hold the lock; null if it does. */
  #problem: string | null = 'The data folder has not been opened yet.';
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #released = false;
  readonly #watch = new HeartbeatWatch();

  constructor(folder: string, label: string, times: Partial<LockTimes> = {}) {
    this.#folder = folder;
    this.#path = join(folder, 'instance.lock');
    this.#times = { ...DEFAULT_TIMES, ...times };
    this.#self = newHolder(label);
  }

  /** Takes the lock if it is free, and keeps beating or watching until `release`. */
  async start(): Promise<void> {
    await this.#look();
    this.#schedule();
  }

  /** Null while this instance may write, else the reason. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Called whenever `problem` changes. */
  onChange(listener: (problem: string | null) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Must be called right before each write: a process that slept (a closed laptop, a debugger) may have lost the lock.
   * @throws EngineError READ_ONLY
   */
  async assertHeld(): Promise<void> {
    if (this.#problem === null) await this.#look();
    if (this.#problem !== null) throw new EngineError('READ_ONLY', this.#problem);
  }

  /** Releases the lock. From now on `assertHeld` throws. */
  async release(): Promise<void> {
    this.#released = true;
    // Listeners are not called, because the instance ends.
    this.#problem = RELEASED;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
    clearHolder(this.#self);
    // A folder that cannot be read contains no lock of ours.
    const holder = await this.#read().catch(() => null);
    if (holder?.token === this.#self.token) await unlink(this.#path).catch(ignoreMissing);
  }

  #schedule(): void {
    if (this.#released) return;
    this.#timer = setTimeout(() => void this.#look().then(() => this.#schedule()), this.#times.beatMs);
    this.#timer.unref();
  }

  /** One at a time, so that a write never meets a half-finished takeover. */
  #look(): Promise<void> {
    return (this.#looking = this.#looking.then(async () => {
      if (this.#released) return;
      try {
        this.#setProblem(await this.#hold());
      } catch (error) {
        this.#setProblem(storageError('write', this.#path, error).message);
      }
    }));
  }

  /** @returns null when this instance now holds the lock, else why not */
  async #hold(): Promise<string | null> {
    const holder = await this.#read();
    if (holder?.token === this.#self.token) {
      const now = new Date();
      await utimes(this.#path, now, now);
      return null;
    }
    if (holder === null) {
      const created = await this.#create();
      return created ? null : heldBy(await this.#read());
    }
    if (!(await this.#isGone(holder))) return heldBy(holder);
    return await this.#takeOver(holder);
  }

  /** Null if there is no lock file. An empty or damaged file gives an unknown holder. */
  async #read(): Promise<Holder | null> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
    return parseHolder(text);
  }

  /** @returns false when another instance was faster */
  async #create(): Promise<boolean> {
    await mkdir(this.#folder, { recursive: true });
    try {
      await writeFile(this.#path, JSON.stringify(this.#self), { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      // A full disk leaves an empty lock, which would keep every instance out for a while.
      await unlink(this.#path).catch(ignoreMissing);
      throw error;
    }
  }

  async #isGone(holder: Holder): Promise<boolean> {
    if (presenceOf(holder) === 'gone') return true;
    // Even if its process is running: a suspended one must not keep everyone else out.
    return (await this.#watch.look(this.#path, holder.token)) > this.#times.staleMs;
  }

  /** Of several instances that take over at once, the last to rename holds the lock; the others notice and step back. */
  async #takeOver(gone: Holder): Promise<string | null> {
    const own = `${this.#path}.${this.#self.token}`;
    await writeFile(own, JSON.stringify(this.#self), { mode: 0o600 });
    const current = await this.#read();
    if (current !== null && current.token !== gone.token) {
      await unlink(own);
      return heldBy(current);
    }
    await rename(own, this.#path);
    await sleep(this.#times.settleMs);
    const winner = await this.#read();
    return winner?.token === this.#self.token ? null : heldBy(winner);
  }

  #setProblem(problem: string | null): void {
    if (this.#released || problem === this.#problem) return;
    this.#problem = problem;
    for (const listener of this.#listeners) listener(problem);
  }
}

function heldBy(holder: Holder | null): string {
  const who =
    holder === null || holder.pid === 0
      ? 'Another Tokenscope'
      : `Another Tokenscope (${holder.label === 'web' ? 'in the browser' : 'the app'}, process ${holder.pid})`;
  return `${who} is using the same data folder. Chats are saved here too, but settings are saved only after the other one is closed.`;
}
