/**
 * Who may write in the data folder. One instance holds `instance.lock`; the others read only and take over when it is
 * gone.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../engine/api/errors.ts';
import { storageError } from './json-file.ts';
import { HeartbeatWatch, LockFile, type FoundLock } from './lock-file.ts';
import { presenceOf } from './lock-holder.ts';

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
  readonly #file: LockFile;
  readonly #times: LockTimes;
  readonly #listeners = new Set<(problem: string | null) => void>();
  /** Why this instance does not hold the lock; null if it does. */
  #problem: string | null = 'The data folder has not been opened yet.';
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #released = false;
  readonly #watch = new HeartbeatWatch();

  constructor(folder: string, label: string, times: Partial<LockTimes> = {}) {
    this.#file = new LockFile(join(folder, 'instance.lock'), label);
    this.#times = { ...DEFAULT_TIMES, ...times };
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
    // A folder that cannot be read holds no lock of ours.
    const isHeld = await this.#file.isHeld().catch(() => false);
    if (isHeld) await this.#file.release();
    else this.#file.forget();
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
        this.#setProblem(storageError('write', this.#file.path, error).message);
      }
    }));
  }

  /** @returns null when this instance now holds the lock, else why not */
  async #hold(): Promise<string | null> {
    const found = await this.#file.read();
    if (this.#file.isOwn(found)) {
      await this.#file.beat();
      return null;
    }
    if (found !== null) {
      if (!(await this.#isGone(found))) return heldBy(found);
      await this.#file.removeLeftBehind(found);
    }
    const isCreated = await this.#file.create();
    if (isCreated && found === null) return null;
    // Another instance that takes over may have our new lock aside for a moment, taking it for the one left behind.
    if (isCreated) await sleep(this.#times.settleMs);
    const winner = await this.#file.read();
    return this.#file.isOwn(winner) ? null : heldBy(winner);
  }

  async #isGone({ holder }: FoundLock): Promise<boolean> {
    if (presenceOf(holder) === 'gone') return true;
    // Also for a process that runs: one that is stopped must not keep everybody else out.
    return (await this.#watch.look(this.#file.path, holder.token)) > this.#times.staleMs;
  }

  #setProblem(problem: string | null): void {
    if (this.#released || problem === this.#problem) return;
    this.#problem = problem;
    for (const listener of this.#listeners) listener(problem);
  }
}

function heldBy(found: FoundLock | null): string {
  const who =
    found === null || found.holder.pid === 0
      ? 'Another Tokenscope'
      : `Another Tokenscope (${found.holder.label === 'web' ? 'in the browser' : 'the app'}, process ${found.holder.pid})`;
  return `${who} is using the same data folder. Chats are saved here too, but settings are saved only after the other one is closed.`;
}
