/**
 * One lock file and what may be done with it. `InstanceLock` (for as long as the app runs) and `withFileLock` (for one
 * change) decide how long to wait, and for how long a holder may be silent.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, stat, unlink, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { codeOf } from './json-file.ts';
import { clearHolder, newHolder, parseHolder, type Holder } from './lock-holder.ts';

/** A lock file as it was read. */
export interface FoundLock {
  readonly text: string;
  readonly holder: Holder;
}

/**
 * Whoever creates the file holds the lock. Its content, the holder, never changes while it is held; its modification
 * time is the holder's heartbeat.
 */
export class LockFile {
  readonly path: string;
  readonly #self: Holder;
  readonly #text: string;

  /** @param label what the holder calls itself: see `Holder` */
  constructor(path: string, label: string) {
    this.path = path;
    this.#self = newHolder(label);
    this.#text = JSON.stringify(this.#self);
  }

  /** Takes the lock if nobody has it. Makes its folder. @returns false when somebody else holds it */
  async create(): Promise<boolean> {
    await mkdir(dirname(this.path), { recursive: true });
    const file = await open(this.path, 'wx', 0o600).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
      return null;
    });
    if (file === null) return false;
    try {
      await file.writeFile(this.#text);
      return true;
    } catch (error) {
      // A full disk leaves an empty lock behind, which would keep everybody out for a while.
      await unlink(this.path).catch(ignoreMissing);
      throw error;
    } finally {
      await file.close();
    }
  }

  /** Null: no lock file. One that is empty or damaged reads as a holder nobody knows. */
  async read(): Promise<FoundLock | null> {
    const text = await readFile(this.path, 'utf8').catch(ignoreMissing);
    return text === undefined ? null : { text, holder: parseHolder(text) };
  }

  isOwn(found: FoundLock | null): boolean {
    return found?.text === this.#text;
  }

  /** Whether this holder has the lock. */
  async isHeld(): Promise<boolean> {
    return this.isOwn(await this.read());
  }

  /** Only for who holds the lock. */
  async beat(): Promise<void> {
    const now = new Date();
    await utimes(this.path, now, now);
  }

  /** Removes a lock whose holder is gone, and no other: one that was taken meanwhile is put back. */
  async removeLeftBehind({ text }: FoundLock): Promise<void> {
    const aside = `${this.path}.${randomUUID()}`;
    const isMoved = await rename(this.path, aside).then(() => true, ignoreMissing);
    if (!isMoved) return;
    if ((await readFile(aside, 'utf8').catch(ignoreMissing)) === text) await unlink(aside);
    else await rename(aside, this.path);
  }

  /** Gives the lock back if it is held. This object is not used any more. */
  async release(): Promise<void> {
    try {
      if (await this.isHeld()) await unlink(this.path).catch(ignoreMissing);
    } finally {
      this.forget();
    }
  }

  /** From now on its holder counts as gone, in this process and others. */
  forget(): void {
    clearHolder(this.#self);
  }
}

/** Follows the heartbeat of one lock file, on this process's own clock: a changed system time ends no lock. */
export class HeartbeatWatch {
  #beat = '';
  #since = 0;
  #hasMoved = false;

  /** Whether the present holder's heartbeat was seen to move. */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  /** @returns for how long the heartbeat has stood still, ms; 0 when the file is gone */
  async look(path: string, token: string): Promise<number> {
    const beat = await stat(path, { bigint: true }).then(({ mtimeNs }) => `${token} ${mtimeNs}`, ignoreMissing);
    if (beat === undefined) return 0;
    if (beat !== this.#beat) {
      this.#hasMoved = this.#beat.startsWith(`${token} `);
      this.#beat = beat;
      this.#since = performance.now();
    }
    return performance.now() - this.#since;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
  return undefined;
}
