import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PortableChat } from '../../../../src-main/protocol/app/chats/chat-file.ts';
import type { ChatsState } from '../state/chats.svelte.ts';
import { readImport } from './import-file.ts';

/** An import in progress, or its result. */
export interface ImportTask {
  readonly name: string;
  readonly phase: 'reading' | 'saving' | 'done';
  /** Chats saved so far, and in the file. */
  readonly saved: number;
  readonly total: number;
  readonly notices: readonly string[];
  /** Chats that were not imported, and why; or why the file was not read. */
  readonly problems: readonly string[];
}

/** Prepares a chat for deletion. @returns undoes that */
type Leave = (id: string) => Promise<() => void>;

/** Imports files of chats, one at a time. */
export class ChatImport {
  task = $state.raw<ImportTask | null>(null);
  readonly #chats: ChatsState;

  constructor(chats: ChatsState) {
    this.#chats = chats;
  }

  get running(): boolean {
    return this.task !== null && this.task.phase !== 'done';
  }

  /**
   * Imports a file and opens its first chat, unless it is a notebook.
   * @param other takes a file of something else; if it returns true, nothing is reported
   * @returns the first one, their number, and what deletes them; null if there are none
   */
  async take(
    file: File,
    other: () => boolean | Promise<boolean> = () => false,
  ): Promise<{ first: string; count: number; undo: (leave: Leave) => Promise<void> } | null> {
    if (this.running) return null;
    const task: ImportTask = { name: file.name, phase: 'reading', saved: 0, total: 0, notices: [], problems: [] };
    this.task = task;
    const ids: string[] = [];
    try {
      const { chats, notices, problems: left } = await readImport(file);
      const problems = [...left];
      this.task = { ...task, phase: 'saving', total: chats.length, notices, problems };
      for (const chat of chats) {
        const problem = await this.#add(chat, ids);
        if (problem !== null) problems.push(problem);
        this.task = { ...this.task, saved: ids.length, problems: [...problems] };
      }
    } catch (error) {
      const { message, details } = EngineError.from(error);
      if (details['isOther'] === true && (await other())) {
        this.task = null;
        return null;
      }
      this.task = { ...this.task, problems: [...this.task.problems, message] };
    }
    await this.#chats.refresh();
    const listed = this.#chats.list.find(({ id }) => id === ids[0]);
    if (listed !== undefined && !listed.notebook) await this.#chats.select(listed.id);
    this.task = { ...this.task, phase: 'done' };
    const [first] = ids;
    if (first === undefined) return null;
    const undo = async (leave: Leave) => {
      for (const id of ids) {
        const stay = await leave(id);
        if ((await this.#chats.remove(id)) === null) stay();
      }
    };
    return { first, count: ids.length, undo };
  }

  /** @returns why a chat was refused, or null. @throws EngineError if others could not be saved either */
  async #add(chat: PortableChat, ids: string[]): Promise<string | null> {
    try {
      ids.push(await this.#chats.add(chat));
      return null;
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code !== 'BAD_REQUEST') throw error;
      return `“${chat.title}” was not imported. ${error.message}`;
    }
  }

  close(): void {
    if (!this.running) this.task = null;
  }
}
