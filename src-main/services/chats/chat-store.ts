import { mkdir } from 'node:fs/promises';
import { EngineError } from '../../engine/api/errors.ts';
import type { EmittedEvent } from '../../protocol/app/app-services.ts';
import type {
  ChatDetailsRange,
  ChatEvent,
  ChatSummary,
  ChatUpdate,
  ChatWrite,
  ChatWritten,
  FoundChat,
  HitRequest,
  SearchHit,
  StoredChat,
  TokenDetails,
} from '../../protocol/app/chats/chat.ts';
import { NOTEBOOK_TEXT, textOfUpdates } from '../../protocol/app/chats/notebook.ts';
import type { DeletedChat } from '../../protocol/app/recently-deleted.ts';
import { FolderWatch } from '../folder-watch.ts';
import type { InstanceLock } from '../instance-lock.ts';
import { storageError } from '../json-file.ts';
import { ChatList } from './chat-list.ts';
import { chatOfFile, ChatPaths, type ChatFile } from './chat-paths.ts';
import { compact, isWorthwhile } from './compaction.ts';
import { appendDetails, readDetails } from './details-file.ts';
import { ChatFiles, statusAtSync } from './files.ts';
import type { Change, Journal } from './journal.ts';
import { eventLine, isEnd, positionsLine, type DetailsPosition } from './journal-format.ts';
import type { OpenChats } from './open-chats.ts';
import { exactHit } from '../../protocol/app/chats/search-hit.ts';
import { SyncSoon } from './sync-soon.ts';

export interface ChatStoreOptions {
  dataFolder: string;
  lock: InstanceLock;
  emit: (event: EmittedEvent) => void;
  /** Tests replace them, to count bytes and to let writes fail. */
  files?: ChatFiles;
  /** Interval of polling for changes that the system did not report, ms. */
  pollMs?: number;
  /** Whether to use the system's change notifications. */
  watch?: boolean;
}

const POLL_MS = 2000;
/** Reading larger chats for a line of text would take too long. */
const MAX_HIT_BYTES = 1024 * 1024;

/**
 * Stores chats, one journal each (`chats/ID.jsonl`), so that damage never affects another chat. Several processes may use
 * the folder at the same time.
 */
export class ChatStore {
  readonly #paths: ChatPaths;
  readonly #files: ChatFiles;
  readonly #lock: InstanceLock;
  readonly #emit: (event: EmittedEvent) => void;
  readonly #watching: { pollMs: number; watch: boolean };
  readonly #open: OpenChats;
  readonly #list: ChatList;
  readonly #sync: SyncSoon;
  /** By chat: where its file has details that no event refers to, because that write failed. Its repetition uses them. */
  readonly #unused = new Map<string, Map<string, number>>();
  #watch: FolderWatch<ChatFile> | null = null;
  #polling = false;

  constructor({ dataFolder, lock, emit, files = new ChatFiles(), pollMs = POLL_MS, watch = true }: ChatStoreOptions) {
    this.#paths = new ChatPaths(dataFolder);
    this.#files = files;
    this.#emit = emit;
    this.#watching = { pollMs, watch };
    this.#list = new ChatList({ paths: this.#paths, files, lock, emit });
    this.#open = this.#list.open;
    this.#lock = lock;
    this.#sync = new SyncSoon(files);
  }

  /** Starts reading the index; `list` waits for it. */
  start(): void {
    this.#list.start();
    const poll = () => void this.#poll();
    const changed = (file: ChatFile) => void this.#changed(file);
    this.#watch = new FolderWatch(this.#paths.folder, chatOfFile, changed, { poll, ...this.#watching });
  }

  /** Waits until everything is on disk. */
  async stop(): Promise<void> {
    this.#watch?.close();
    await this.#list.stop();
    await this.#open.settled();
    await this.#sync.now();
    await this.#list.close();
  }

  /** Called when this process may write the index and migrate files of the first format. */
  tookOver(): void {
    this.#list.tookOver();
  }

  /** Resolves when chats missing from the index were read and those of the first format migrated. */
  async settled(): Promise<void> {
    await this.#list.settled();
  }

  async list(): Promise<ChatSummary[]> {
    return await this.#list.all();
  }

  async search(query: string): Promise<FoundChat[]> {
    return await this.#list.search(query);
  }

  /** @throws EngineError STORAGE */
  async hit({ id, turn, query }: HitRequest): Promise<SearchHit | null> {
    const size = statusAtSync(this.#paths.journal(id))?.size ?? Infinity;
    if (size > MAX_HIT_BYTES) return null;
    const chat = await this.get(id);
    const text =
      turn === NOTEBOOK_TEXT && chat?.updates !== undefined
        ? textOfUpdates(chat.updates)
        : chat?.turns.find((one) => one.id === turn)?.text;
    return text === undefined ? null : exactHit(turn, text, query.trim());
  }

  /** @throws EngineError STORAGE when the chat exists but cannot be read */
  async get(id: string): Promise<StoredChat | null> {
    await this.#list.migrate(id);
    return await this.#use(id, 'read', async (journal) => {
      const read = await journal.readAll();
      if (read === null || isEmpty(journal)) return null;
      this.#tell(journal, read.changes, '');
      if (this.#lock.problem === null && isWorthwhile(journal)) this.#compactLater(id);
      return read.chat;
    });
  }

  /** @throws EngineError CHAT_NOT_FOUND, STORAGE */
  async since(id: string, revision: number): Promise<ChatUpdate | null> {
    return await this.#use(id, 'read', async (journal) => {
      const changes = await journal.catchUp();
      if (changes === null) throw notFound(id);
      this.#tell(journal, changes, '');
      const events = await journal.since(revision);
      return events === null ? null : { revision: revisionOf(journal), events };
    });
  }

  /** @throws EngineError CHAT_NOT_FOUND, STORAGE; a failed write can be repeated unchanged */
  async write({ id, base, origin, events, details }: ChatWrite): Promise<ChatWritten> {
    return await this.#use(id, 'write', async (journal) => {
      const createdAt = base === 0 ? (events[0]?.at ?? null) : null;
      if (createdAt !== null && journal.state === null) await this.#prepare(id);
      // Without the chat, the details would be orphaned.
      else if (details.length > 0 && (await journal.catchUp()) === null) throw notFound(id);
      const written = this.#unused.get(id) ?? new Map<string, number>();
      if (details.length > 0) this.#unused.set(id, written);
      const places = await appendDetails(this.#files, this.#paths.details(id), details, written);
      const batch = batchOf(events, places);
      const changes = batch.length === 0 ? await journal.catchUp() : await journal.append(batch, createdAt);
      if (changes === null) throw notFound(id);
      this.#unused.delete(id);
      this.#tell(journal, changes, origin);
      const isImportant = events.some(
        (event) => event.type !== 'tokens' && (event.type !== 'reply' || isEnd(event.facts)),
      );
      if (isImportant) this.#sync.soon([this.#paths.details(id), journal.path]);
      return { revision: revisionOf(journal), missed: await missed(journal, base, changes) };
    });
  }

  /** @throws EngineError STORAGE */
  async details({ id, turn, from, count }: ChatDetailsRange): Promise<(TokenDetails | null)[]> {
    return await this.#use(id, 'read', async (journal) => {
      const changes = await journal.catchUp();
      if (changes === null || journal.state === null) return new Array<null>(count).fill(null);
      this.#tell(journal, changes, '');
      const positions = journal.state.positionsOf(turn, from, count);
      return await readDetails(this.#files, this.#paths.details(id), { turn, from, count }, positions);
    });
  }

  /** @throws EngineError STORAGE */
  async delete(id: string): Promise<void> {
    await this.#list.migrate(id);
    await this.#use(id, 'delete', async (journal) => {
      await this.#paths.moveToDeleted(id);
      journal.state = null;
    });
    this.#list.removed(id);
  }

  /** @throws EngineError CHAT_NOT_FOUND, STORAGE */
  async restore(id: string): Promise<void> {
    await this.#use(id, 'write', async (journal) => {
      const isThere = (await journal.catchUp()) !== null;
      if (!isThere && !(await this.#paths.moveBack(id))) throw notFound(id);
    });
    await this.#list.scan(id);
  }

  /** Those that can be restored, the latest deletion first. @throws EngineError STORAGE */
  async deleted(): Promise<DeletedChat[]> {
    return await this.#list.deleted();
  }

  /** Deletes deleted chats for good; others are left alone. @throws EngineError READ_ONLY, STORAGE */
  async purge(ids: readonly string[]): Promise<void> {
    await this.#list.purge(ids);
  }

  /** Refuses writes to a deleted chat, so that a late write does not restore it. */
  async #prepare(id: string): Promise<void> {
    await mkdir(this.#paths.folder, { recursive: true });
    if (await this.#paths.isDeleted(id)) throw notFound(id);
  }

  #tell(journal: Journal, changes: readonly Change[], origin: string): void {
    const { state } = journal;
    if (state === null || state.isOfLaterVersion || changes.length === 0) return;
    const summary = this.#list.changed(journal, changes);
    if (summary === null) return;
    const worth = changes.filter(
      (one, at) => one.revision !== one.from || one.events.length > 0 || at === changes.length - 1,
    );
    for (const { from, revision, events, own } of worth) {
      this.#emit({ type: 'chat', id: journal.id, from, revision, events, origin: own ? origin : '', summary });
    }
  }

  #compactLater(id: string): void {
    const work = async (journal: Journal) => {
      if (!(await compact(journal, this.#paths))) return;
      const changes = await journal.catchUp();
      if (changes !== null) this.#tell(journal, changes, '');
    };
    // The chat is unchanged; the next time it is opened tries again.
    this.#open
      .use(id, work)
      .catch((error: unknown) => this.#notice(storageError('write', this.#paths.journal(id), error)));
  }

  async #changed({ id, format }: ChatFile): Promise<void> {
    try {
      if (format === 'v1') await this.#list.migrate(id);
      else if (this.#list.isStale(id)) await this.#lookAt(id);
    } catch (error) {
      this.#notice(EngineError.from(error));
    }
  }

  async #lookAt(id: string): Promise<void> {
    const isThere = await this.#use(id, 'read', async (journal) => {
      const changes = await journal.catchUp();
      if (changes === null) return false;
      this.#tell(journal, changes, '');
      return true;
    });
    if (!isThere) this.#list.removed(id);
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      const { journals, v1 } = await this.#list.unseen();
      for (const id of new Set([...this.#open.ids, ...journals])) await this.#changed({ id, format: 'journal' });
      for (const id of v1) await this.#changed({ id, format: 'v1' });
      await this.#list.lookAtDeleted();
    } catch {
      // The folder cannot be read now. The next poll tries again, and opening a chat reports the error.
    } finally {
      this.#polling = false;
    }
  }

  #notice(error: EngineError): void {
    this.#emit({ type: 'notice', message: error.message });
  }

  async #use<T>(id: string, action: 'read' | 'write' | 'delete', work: (journal: Journal) => Promise<T>): Promise<T> {
    await this.#list.loaded;
    return await this.#open.use(id, async (journal) => {
      try {
        return await work(journal);
      } catch (error) {
        if (error instanceof EngineError) throw error;
        throw storageError(action, journal.path, error);
      }
    });
  }
}

function notFound(id: string): EngineError {
  return new EngineError('CHAT_NOT_FOUND', 'This chat no longer exists. It was deleted here or in another window.', {
    id,
  });
}

/** Whether a file has no complete line, because it was created by a write that failed. */
function isEmpty({ state }: Journal): boolean {
  return state === null || state.cursor.header === undefined;
}

function revisionOf({ state }: Journal): number {
  return state?.revision ?? 0;
}

/** The lines of a write; positions of details are in its last line. */
function batchOf(events: readonly ChatEvent[], places: readonly DetailsPosition[]): Buffer {
  const lines = events.map((event, at) => eventLine(event, at === events.length - 1 ? places : []));
  if (events.length === 0 && places.length > 0) lines.push(positionsLine(places));
  return Buffer.concat(lines);
}

/** What others wrote since `base`: before our own lines, or after them. */
async function missed(journal: Journal, base: number, changes: readonly Change[]): Promise<ChatEvent[] | null> {
  const own = changes.filter((change) => change.own);
  // Written twice, because the file was replaced.
  if (own.length > 1) return null;
  const before = await journal.since(base, own[0]?.from);
  if (before === null) return null;
  const later = own.length === 0 ? [] : changes.slice(changes.indexOf(own[0]) + 1);
  return [...before, ...later.flatMap((change) => change.events)];
}
