import { codeOf } from '../json-file.ts';
import type { ChatFiles } from './files.ts';

/** Delay between an important change and the sync to disk, ms. */
const SYNC_AFTER_MS = 200;

/** Combines requests to sync files to disk, which is slow. */
export class SyncSoon {
  readonly #files: ChatFiles;
  readonly #paths = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(files: ChatFiles) {
    this.#files = files;
  }

  soon(paths: readonly string[]): void {
    for (const path of paths) this.#paths.add(path);
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => void this.now(), SYNC_AFTER_MS);
    this.#timer.unref();
  }

  /** Resolves when all requests are done. */
  async now(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const paths = [...this.#paths];
    this.#paths.clear();
    this.#running = this.#running.then(async () => {
      for (const path of paths) await this.#sync(path);
    });
    await this.#running;
  }

  async #sync(path: string): Promise<void> {
    try {
      await this.#files.sync(path);
    } catch (error) {
      // A chat without details, or a deleted one. After any other failure the system writes the file later by itself: the
      // write as such succeeded.
      if (codeOf(error) !== 'ENOENT') this.#paths.add(path);
    }
  }
}
