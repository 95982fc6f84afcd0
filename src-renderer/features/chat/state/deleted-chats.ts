import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { Connection } from '../../../lib/connection.svelte.ts';

/** Deletes what the engine has stored of deleted chats: at once, or when there is an engine again. */
export class DeletedChats {
  readonly #waiting = new Set<string>();
  #engine: EngineApi | null = null;

  constructor(connection: Pick<Connection, 'onEngine'>) {
    connection.onEngine((engine) => {
      this.#engine = engine;
      void this.#clear();
    });
  }

  add(id: string): void {
    this.#waiting.add(id);
    void this.#clear();
  }

  async #clear(): Promise<void> {
    for (const chat of this.#waiting) {
      if (this.#engine === null) return;
      try {
        await this.#engine.call('clearPrefixCache', { chat });
        this.#waiting.delete(chat);
      } catch {
        // It stays in the list for the next engine, or until another chat is deleted.
        return;
      }
    }
  }
}
