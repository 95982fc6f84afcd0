import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../engine/errors.ts';
import { chatId } from '../protocol/schemas.ts';
import { parseStoredChat } from '../protocol/chat-schemas.ts';
import type { Chat, ChatSummary } from '../protocol/app-services.ts';
import { parseOrRefuse } from '../protocol/schemas.ts';
import type { InstanceLock } from './instance-lock.ts';
import { codeOf, putAside, readJson, storageError, writeJson } from './json-file.ts';

const SUFFIX = '.json';
/** What an interrupted write leaves behind: `ID.json.NUMBER`. */
const LEFTOVER = /\.json\.\d+$/;
const LEFTOVER_AGE_MS = 60 * 60 * 1000;

interface Indexed {
  /** Changes whenever the file does. */
  stamp: string;
  summary: ChatSummary;
  /** Title and texts, lower case. */
  searchable: string;
}

/** Chats, one file each (`chats/ID.json`), so that damage to one never reaches another. */
export class ChatStore {
  readonly #folder: string;
  readonly #lock: InstanceLock;
  readonly #notice: (message: string) => void;
  readonly #index = new Map<string, Indexed>();
  /** Files that were reported already. */
  readonly #reported = new Set<string>();

  /** @param notice tells a person about a damaged file */
  constructor(folder: string, lock: InstanceLock, notice: (message: string) => void) {
    this.#folder = join(folder, 'chats');
    this.#lock = lock;
    this.#notice = notice;
  }

  /** The chat that was changed last comes first. A file that cannot be read is reported and left out. */
  async list(): Promise<ChatSummary[]> {
    return (await this.#readIndex()).map(({ summary }) => summary);
  }

  /** Chats whose title or texts contain the query, in any case. */
  async search(query: string): Promise<ChatSummary[]> {
    const wanted = query.trim().toLowerCase();
    return (await this.#readIndex())
      .filter(({ searchable }) => searchable.includes(wanted))
      .map(({ summary }) => summary);
  }

  /** @throws EngineError STORAGE when the file is there and cannot be read */
  async get(id: string): Promise<Chat | null> {
    return await this.#read(this.#path(id), id);
  }

  /** @throws EngineError READ_ONLY, STORAGE */
  async save(chat: Chat): Promise<void> {
    const path = this.#path(chat.id);
    await this.#lock.assertHeld();
    await writeJson(path, chat);
  }

  /** @throws EngineError READ_ONLY, STORAGE */
  async delete(id: string): Promise<void> {
    const path = this.#path(id);
    await this.#lock.assertHeld();
    try {
      await unlink(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw storageError('delete', path, error);
    }
    this.#index.delete(id);
  }

  /** Removes what interrupted writes left behind. */
  async removeLeftovers(): Promise<void> {
    for (const name of await this.#names()) {
      if (!LEFTOVER.test(name)) continue;
      const path = join(this.#folder, name);
      const file = await stat(path).catch(() => null);
      if (file !== null && Date.now() - file.mtimeMs > LEFTOVER_AGE_MS) await rm(path, { force: true });
    }
  }

  /** @throws EngineError BAD_REQUEST for an id that is no plain file name */
  #path(id: string): string {
    return join(this.#folder, `${parseOrRefuse(chatId, id, 'chat id')}${SUFFIX}`);
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw storageError('read', this.#folder, error);
    }
  }

  async #readIndex(): Promise<Indexed[]> {
    const found: Indexed[] = [];
    for (const name of await this.#names()) {
      if (!name.endsWith(SUFFIX)) continue;
      const entry = await this.#indexed(name.slice(0, -SUFFIX.length));
      if (entry !== null) found.push(entry);
    }
    return found.sort((a, b) => Date.parse(b.summary.updatedAt) - Date.parse(a.summary.updatedAt));
  }

  async #indexed(id: string): Promise<Indexed | null> {
    try {
      const path = this.#path(id);
      const { mtimeMs, size } = await stat(path);
      const stamp = `${mtimeMs} ${size}`;
      const known = this.#index.get(id);
      if (known?.stamp === stamp) return known;
      const chat = await this.#read(path, id);
      if (chat === null) return null;
      const entry = { stamp, summary: summaryOf(chat), searchable: searchableText(chat) };
      this.#index.set(id, entry);
      return entry;
    } catch (error) {
      // Deleted between listing and reading.
      if (codeOf(error) === 'ENOENT') return null;
      this.#report(id, EngineError.from(error).message);
      return null;
    }
  }

  async #read(path: string, id: string): Promise<Chat | null> {
    const read = await readJson(path);
    if (read.state === 'missing') return null;
    if (read.state === 'damaged') return await this.#damaged(path, id, read.why);
    try {
      return { ...parseStoredChat(read.value, `${id}${SUFFIX}`), id };
    } catch (error) {
      return await this.#damaged(path, id, EngineError.from(error).message);
    }
  }

  async #damaged(path: string, id: string, why: string): Promise<null> {
    if (this.#lock.problem !== null) {
      this.#report(id, `The chat ${path} could not be read (${why}). It is left as it is.`);
      return null;
    }
    const kept = await putAside(path).catch((error: unknown) => {
      // Another reader met the same damage and was faster.
      if (codeOf(error) === 'ENOENT') return null;
      throw storageError('write', path, error);
    });
    if (kept === null) return null;
    this.#notice(`A chat could not be read (${why}). It is kept as ${kept}.`);
    return null;
  }

  #report(id: string, message: string): void {
    if (this.#reported.has(id)) return;
    this.#reported.add(id);
    this.#notice(message);
  }
}

function summaryOf({ id, title, createdAt, updatedAt, turns }: Chat): ChatSummary {
  return { id, title, createdAt, updatedAt, turns: turns.length };
}

function searchableText(chat: Chat): string {
  const texts = chat.turns.flatMap((turn) =>
    turn.role === 'user' ? [turn.text] : turn.versions.map((version) => version.text),
  );
  return [chat.title, ...texts].join('\n').toLowerCase();
}
