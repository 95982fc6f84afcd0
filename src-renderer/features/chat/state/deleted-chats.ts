import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { Connection } from '../../../lib/connection.svelte.ts';

/** Deletes what the engine has stored of deleted chats: at once, or when there is an engine again. */
export class DeletedChats {
  readonly #waiting = new Set<string>();
  #engine: EngineApi | null = null;
  #isClearing = false;

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

  /** One at a time, however many are added at once. */
  async #clear(): Promise<void> {
    if (this.#isClearing) return;
    this.#isClearing = true;
    while (this.#engine !== null) {
      const engine: EngineApi = this.#engine;
      const [chat] = this.#waiting;
      if (chat === undefined) break;
      try {
        await engine.call('clearPrefixCache', { chat });
        this.#waiting.delete(chat);
      } catch {
        // It stays in the list for the next engine, or until another chat is deleted.
        if (engine === this.#engine) break;
      }
    }
    this.#isClearing = false;
  }
}
