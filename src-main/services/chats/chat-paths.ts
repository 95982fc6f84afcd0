import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { chatId, FILE_ID } from '../../protocol/app/fields.ts';
import { parseOrRefuse } from '../../protocol/fields.ts';
import { codeOf, exists } from '../json-file.ts';

const JOURNAL = '.jsonl';
const DETAILS = '.details.jsonl';
const DAMAGED = '.damaged';
const V1 = '.json';
/** Suffix of a journal while a compacted one replaces it. */
export const REPLACED = '.old';
/** Suffix of a compacted journal before it replaces the old one. */
export const COMPACTED = '.new';
/** A file of the first format after its migration; its id. */
const MIGRATED = /^([A-Za-z0-9_-]{1,64})(?:\.\d+)?\.json$/;

/** The journal of a deleted chat. */
export interface DeletedJournal {
  id: string;
  /** When the chat was deleted, ms since 1970. */
  deletedAt: number;
  bytes: number;
}

/** Paths of the files of chats. */
export class ChatPaths {
  /** The data folder's `chats`. */
  readonly folder: string;
  readonly deleted: string;
  readonly index: string;
  /** Files of the first format after their migration. */
  readonly migrated: string;

  constructor(dataFolder: string) {
    this.folder = join(dataFolder, 'chats');
    this.deleted = join(this.folder, 'deleted');
    this.index = join(this.folder, 'index');
    this.migrated = join(this.folder, 'v1');
  }

  /** @throws EngineError BAD_REQUEST for an id that is not a plain file name */
  journal(id: string): string {
    return this.#path(id, JOURNAL);
  }

  details(id: string): string {
    return this.#path(id, DETAILS);
  }

  /** Damaged lines that compaction removed from the journal. */
  damaged(id: string): string {
    return this.#path(id, DAMAGED);
  }

  v1(id: string): string {
    return this.#path(id, V1);
  }

  deletedJournal(id: string): string {
    return this.#path(id, JOURNAL, this.deleted);
  }

  #path(id: string, suffix: string, folder = this.folder): string {
    return join(folder, `${parseOrRefuse(chatId, id, 'chat id')}${suffix}`);
  }

  /** Ids of the chats in the folder, by format. @throws the system's error */
  async ids(): Promise<{ journals: string[]; v1: string[] }> {
    const names = await namesIn(this.folder);
    const journals: string[] = [];
    const v1: string[] = [];
    for (const name of names) {
      const chat = chatOfFile(name);
      if (chat !== null) (chat.format === 'journal' ? journals : v1).push(chat.id);
    }
    return { journals, v1 };
  }

  /** Ids of chats whose compaction was interrupted. @throws the system's error */
  async interrupted(): Promise<string[]> {
    const ids = new Set<string>();
    for (const name of await namesIn(this.folder)) {
      const suffix = [REPLACED, COMPACTED].find((one) => name.endsWith(one));
      const chat = suffix === undefined ? null : chatOfFile(name.slice(0, -suffix.length));
      if (chat?.format === 'journal') ids.add(chat.id);
    }
    return [...ids];
  }

  async isDeleted(id: string): Promise<boolean> {
    return await exists(this.deletedJournal(id));
  }

  /** Moves a chat to the deleted ones. @returns false when it does not exist. @throws the system's error */
  async moveToDeleted(id: string): Promise<boolean> {
    const journal = this.journal(id);
    await mkdir(this.deleted, { recursive: true });
    // Records when it was deleted. Before the move: an interrupted deletion must not look like one of long ago.
    const now = new Date();
    try {
      await utimes(journal, now, now);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    return await this.#move(id, this.folder, this.deleted);
  }

  /** @returns false when it does not exist. @throws the system's error */
  async moveBack(id: string): Promise<boolean> {
    return await this.#move(id, this.deleted, this.folder);
  }

  /** The journal is moved last on restore and first on deletion, so that an existing chat always has its details. */
  async #move(id: string, from: string, to: string): Promise<boolean> {
    parseOrRefuse(chatId, id, 'chat id');
    if (!(await exists(join(from, `${id}${JOURNAL}`)))) return false;
    const suffixes = to === this.deleted ? [JOURNAL, DETAILS, DAMAGED] : [DETAILS, DAMAGED, JOURNAL];
    for (const suffix of suffixes) {
      await rename(join(from, `${id}${suffix}`), join(to, `${id}${suffix}`)).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error;
      });
    }
    return true;
  }

  /** The journals of all deleted chats. @throws the system's error */
  async deletedJournals(): Promise<DeletedJournal[]> {
    const names = await namesIn(this.deleted);
    const journals = await Promise.all(
      names.map(async (name): Promise<DeletedJournal[]> => {
        const chat = chatOfFile(name);
        if (chat?.format !== 'journal') return [];
        try {
          const { mtimeMs, size } = await stat(join(this.deleted, name));
          return [{ id: chat.id, deletedAt: mtimeMs, bytes: size }];
        } catch (error) {
          // It was restored meanwhile.
          if (codeOf(error) === 'ENOENT') return [];
          throw error;
        }
      }),
    );
    return journals.flat();
  }

  /** Permanently deletes everything of deleted chats except their journals. @throws the system's error */
  async purgeOthers(ids: readonly string[]): Promise<void> {
    const migrated = await namesIn(this.migrated);
    for (const id of ids) {
      for (const name of migrated.filter((one) => MIGRATED.exec(one)?.[1] === id)) {
        await rm(join(this.migrated, name), { force: true });
      }
      for (const suffix of [DETAILS, DAMAGED]) await rm(join(this.deleted, `${id}${suffix}`), { force: true });
    }
  }

  /** Comes last: as long as its journal is there, a chat counts as deleted. @throws the system's error */
  async purgeJournals(ids: readonly string[]): Promise<void> {
    for (const id of ids) await rm(this.deletedJournal(id), { force: true });
  }
}

/** A chat and the format of its file. */
export interface ChatFile {
  id: string;
  format: 'journal' | 'v1';
}

/** The chat that a file of the folder belongs to; null for details and other files. */
export function chatOfFile(name: string): ChatFile | null {
  const format = name.endsWith(JOURNAL) ? 'journal' : name.endsWith(V1) ? 'v1' : null;
  if (format === null) return null;
  const id = name.slice(0, -(format === 'journal' ? JOURNAL : V1).length);
  return FILE_ID.test(id) ? { id, format } : null;
}

/** Names of a folder's files; none if there is no such folder. @throws the system's error */
async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
}
