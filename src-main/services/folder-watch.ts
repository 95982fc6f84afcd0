import { mkdirSync, watch as watchFolder, type FSWatcher } from 'node:fs';

/** Changes of one file within this time are combined, ms. */
const GATHER_MS = 30;

/** Watches a folder for changes by other processes. */
export class FolderWatch<T> {
  readonly #folder: string;
  readonly #parse: (name: string) => T | null;
  readonly #changed: (file: T) => void;
  readonly #poll: () => void;
  #watcher: FSWatcher | null = null;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting = new Map<string, NodeJS.Timeout>();

  /**
   * @param parse what a file's name says; null for files that are not watched
   * @param poll also called every `pollMs`, because some file systems report no changes
   */
  constructor(
    folder: string,
    parse: (name: string) => T | null,
    changed: (file: T) => void,
    { poll, pollMs, watch }: { poll: () => void; pollMs: number; watch: boolean },
  ) {
    this.#folder = folder;
    this.#parse = parse;
    this.#changed = changed;
    this.#poll = poll;
    this.#timer = setInterval(() => {
      if (watch) this.#open();
      this.#poll();
    }, pollMs);
    this.#timer.unref();
    if (watch) this.#open();
  }

  #open(): void {
    if (this.#watcher !== null) return;
    try {
      mkdirSync(this.#folder, { recursive: true });
      const watcher = watchFolder(this.#folder, { persistent: false }, (_, name) => this.#gather(name));
      // The folder is gone, or there are no more handles: polling continues, and the next poll opens it again.
      watcher.on('error', () => this.#drop(watcher));
      this.#watcher = watcher;
    } catch {
      // The folder cannot be created or watched: polling continues.
      this.#watcher = null;
    }
  }

  #drop(watcher: FSWatcher): void {
    watcher.close();
    if (this.#watcher === watcher) this.#watcher = null;
  }

  #gather(name: string | null): void {
    if (name === null || this.#waiting.has(name)) return;
    const file = this.#parse(name);
    if (file === null) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(name);
      this.#changed(file);
    }, GATHER_MS);
    timer.unref();
    this.#waiting.set(name, timer);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    if (this.#watcher !== null) this.#drop(this.#watcher);
  }
}
