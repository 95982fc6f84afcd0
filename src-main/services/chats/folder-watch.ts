import { mkdirSync, watch as watchFolder, type FSWatcher } from 'node:fs';
import { chatOfFile } from './chat-paths.ts';

/** Changes of one file within this time are combined, ms. */
const GATHER_MS = 30;

/** Watches the folder of chats for changes by other processes. */
export class FolderWatch {
  readonly #folder: string;
  readonly #changed: (id: string, format: 'journal' | 'v1') => void;
  readonly #poll: () => void;
  #watcher: FSWatcher | null = null;
  readonly #timer: NodeJS.Timeout;
  readonly #waiting = new Map<string, NodeJS.Timeout>();

  /** @param poll also called every `pollMs`, because some file systems report no changes */
  constructor(
    folder: string,
    changed: (id: string, format: 'journal' | 'v1') => void,
    { poll, pollMs, watch }: { poll: () => void; pollMs: number; watch: boolean },
  ) {
    this.#folder = folder;
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
    const chat = name === null ? null : chatOfFile(name);
    if (chat === null || name === null || this.#waiting.has(name)) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(name);
      this.#changed(chat.id, chat.format);
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
