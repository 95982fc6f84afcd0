import type { ChatPaths } from './chat-paths.ts';
import type { ChatFiles } from './files.ts';
import { Journal } from './journal.ts';

/** Maximum number of cached journals. */
const MAX_OPEN = 16;

export interface OpenChatsListener {
  /** A journal was read from the start. */
  opened(journal: Journal): void;
  /** A journal is about to be removed from the cache. */
  closing(journal: Journal): void;
}

/** Cache of recently used journals, with one operation at a time for each. */
export class OpenChats {
  readonly #paths: ChatPaths;
  readonly #files: ChatFiles;
  readonly #listener: OpenChatsListener;
  /** Most recently used last. */
  readonly #open = new Map<string, Journal>();
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(paths: ChatPaths, files: ChatFiles, listener: OpenChatsListener) {
    this.#paths = paths;
    this.#files = files;
    this.#listener = listener;
  }

  /** Ids of the cached journals. */
  get ids(): string[] {
    return [...this.#open].flatMap(([id, journal]) => (journal.state === null ? [] : [id]));
  }

  peek(id: string): Journal | null {
    return this.#open.get(id) ?? null;
  }

  /** Runs an operation on a chat after all earlier ones. */
  async use<T>(id: string, work: (journal: Journal) => Promise<T>): Promise<T> {
    const path = this.#paths.journal(id);
    const before = this.#running.get(id) ?? Promise.resolve();
    const run = before.then(async () => await work(this.#journal(id, path)));
    const settled = run.then(
      () => undefined,
      () => undefined,
    );
    this.#running.set(id, settled);
    try {
      return await run;
    } finally {
      if (this.#running.get(id) === settled) this.#running.delete(id);
      this.#closeOldest();
    }
  }

  /** Resolves when nothing is running. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #journal(id: string, path: string): Journal {
    const journal: Journal =
      this.#open.get(id) ?? new Journal(id, path, this.#files, (journal) => this.#listener.opened(journal));
    this.#open.delete(id);
    this.#open.set(id, journal);
    return journal;
  }

  #closeOldest(): void {
    for (const [id, journal] of this.#open) {
      if (this.#open.size <= MAX_OPEN) return;
      if (this.#running.has(id)) continue;
      this.#open.delete(id);
      this.#listener.closing(journal);
    }
  }
}
