import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../engine/api/errors.ts';
import type { EmittedEvent } from '../../protocol/app/app-services.ts';
import type { ChatSummary, FoundChat } from '../../protocol/app/chats/chat.ts';
import { isSameRow } from '../../protocol/app/chats/list-row.ts';
import { newestFirst } from '../../protocol/app/newest-first.ts';
import { isExpired, restorable, type DeletedChat } from '../../protocol/app/recently-deleted.ts';
import { FolderStamp } from '../folder-stamp.ts';
import type { InstanceLock } from '../instance-lock.ts';
import { storageError } from '../json-file.ts';
import { ChatIndex } from './chat-index.ts';
import type { ChatPaths, DeletedJournal } from './chat-paths.ts';
import { recover } from './compaction.ts';
import { statusAt, statusAtSync, type ChatFiles } from './files.ts';
import { Journal, laterVersion, type Change } from './journal.ts';
import { OpenChats, type OpenChatsListener } from './open-chats.ts';
import type { TurnText } from './search-text.ts';
import { importV1 } from './v1-import.ts';

/** How long the first list waits for chats that are not in the index, ms; the others follow later. */
const FIRST_LIST_MS = 100;
/** How long a search waits for such chats, ms; then it uses what is there. */
const SEARCH_WAIT_MS = 1000;
/** Interval at which lists are notified while many chats are read or migrated, ms. */
const NOTIFY_EVERY_MS = 300;
const FLUSH_AFTER_MS = 500;
/** Files checked before other work gets its turn. */
const LOOK_AT_ONCE = 500;
/** Chats that are read or migrated at the same time: disks handle several at once. */
const AT_ONCE = 8;

interface Parts {
  paths: ChatPaths;
  files: ChatFiles;
  lock: InstanceLock;
  emit: (event: EmittedEvent) => void;
}

/** The list of chats. Keeps the index in sync with the journals, and converts files of the first format to journals. */
export class ChatList implements OpenChatsListener {
  readonly open: OpenChats;
  readonly #paths: ChatPaths;
  readonly #files: ChatFiles;
  readonly #lock: InstanceLock;
  readonly #emit: (event: EmittedEvent) => void;
  readonly #index: ChatIndex;
  /** Resolves when the index file was read. */
  loaded: Promise<void> = Promise.resolve();
  /** Resolves when there is a first list. */
  #ready: Promise<void> = Promise.resolve();
  /** Resolves when the index is in sync with the journals. */
  #work: Promise<void> = Promise.resolve();
  /** Time of the latest notification while many chats change at once; null: every change is notified. */
  #notifiedAt: number | null = null;
  /** Whether lists were not notified of the latest change. */
  #unnotified = false;
  #flushTimer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> = Promise.resolve();
  #stopping = false;
  readonly #reported = new Set<string>();
  /** Stamps of chats of later versions. */
  readonly #later = new Map<string, string>();
  readonly #stamps = new FolderStamp();
  /** Stamp of the folder when it was last read; null if it must be read again. */
  #folderStamp: string | null = null;
  /** Stamp of the folder of deleted chats when they were listed; null: not listed since the latest notification. */
  #deletedStamp: string | null = null;

  constructor({ paths, files, lock, emit }: Parts) {
    this.#paths = paths;
    this.#files = files;
    this.#lock = lock;
    this.#emit = emit;
    this.#index = new ChatIndex(paths.index, files);
    this.open = new OpenChats(paths, files, this);
  }

  start(): void {
    this.loaded = this.#index.load();
    this.#ready = this.#load();
  }

  /** Called when this process may write the index and migrate. */
  tookOver(): void {
    this.#work = Promise.all([this.#ready, this.#work]).then(async () => await this.#catchUp(() => undefined));
  }

  /** Newest first. */
  async all(): Promise<ChatSummary[]> {
    await this.#ready;
    return newestFirst([...this.#index.entries.values()].map(({ summary }) => summary));
  }

  /** Resolves when the index is in sync with the journals. */
  async settled(): Promise<void> {
    await this.#ready;
    await this.#work;
  }

  /** Newest first. @throws EngineError STORAGE */
  async search(query: string): Promise<FoundChat[]> {
    await Promise.race([this.settled(), sleep(SEARCH_WAIT_MS, undefined, { ref: false })]);
    this.#takeRunning();
    try {
      return newestFirst(await this.#index.search(query));
    } catch (error) {
      throw storageError('read', this.#paths.index, error);
    }
  }

  /** Deleted chats that can be restored, the latest deletion first. @throws EngineError STORAGE */
  async deleted(): Promise<DeletedChat[]> {
    await this.loaded;
    this.#deletedStamp = await this.#stampOfDeleted();
    const journals = await this.#deletedJournals().catch((error: unknown) => {
      throw storageError('read', this.#paths.deleted, error);
    });
    const summaryOf = ({ id, bytes }: DeletedJournal) => this.#index.deletedSummary(id, bytes);
    const kept = journals.filter(({ deletedAt }) => !isExpired(deletedAt));
    const unknown = kept.filter((journal) => summaryOf(journal) === null);
    await this.#each(unknown, (journal) => this.#readDeleted(journal));
    const chats = kept.flatMap((journal) => {
      const summary = summaryOf(journal);
      return summary === null ? [] : [{ summary, deletedAt: journal.deletedAt }];
    });
    return restorable(chats);
  }

  /** Deletes deleted chats for good; others are left alone. @throws EngineError READ_ONLY, STORAGE */
  async purge(ids: readonly string[]): Promise<void> {
    const { problem } = this.#lock;
    // The index has texts of the chats, and only the process that holds the lock writes it.
    if (problem !== null) throw new EngineError('READ_ONLY', `Chats cannot be deleted for good here. ${problem}`);
    await this.loaded;
    try {
      const wanted = new Set(ids);
      const journals = await this.#deletedJournals();
      await this.#purge(journals.flatMap(({ id }) => (wanted.has(id) ? [id] : [])));
    } catch (error) {
      throw storageError('delete', this.#paths.deleted, error);
    }
    this.#listChanged();
  }

  /** Applies changes of an open chat. @returns its new summary */
  changed(journal: Journal, changes: readonly Change[]): ChatSummary | null {
    const events = changes.flatMap((change) => change.events);
    return this.#set(journal, journal.state?.takeTexts('ended', events) ?? [], false);
  }

  opened(journal: Journal): void {
    const { id, state } = journal;
    if (state === null || state.cursor.header === undefined) return;
    if (state.isOfLaterVersion) {
      this.#later.set(id, journal.stamp);
      this.#report(id, laterVersion(journal.path).message);
      this.removed(id);
      return;
    }
    const texts = state.takeTexts('all');
    if (this.#index.entries.get(id)?.stamp !== journal.stamp) this.#set(journal, texts, true);
    this.#reportDamage(journal);
  }

  closing(journal: Journal): void {
    const texts = journal.state?.takeTexts('all') ?? [];
    if (texts.length > 0) this.#set(journal, texts, false);
  }

  removed(id: string): void {
    if (!this.#index.delete(id)) return;
    this.#listChanged();
    this.#flushSoon();
  }

  /** Whether the journal differs from its index entry. */
  isStale(id: string): boolean {
    const status = statusAtSync(this.#paths.journal(id));
    const entry = this.#index.entries.get(id);
    if (status === null) return entry !== undefined;
    return entry?.stamp !== status.stamp && this.#later.get(id) !== status.stamp;
  }

  /** Chats that were added or removed without a notification. @throws the system's error */
  async unseen(): Promise<{ journals: string[]; v1: string[] }> {
    const folder = await statusAt(this.#paths.folder).catch(() => null);
    if (folder === null || folder.stamp === this.#folderStamp) return { journals: [], v1: [] };
    this.#folderStamp = this.#stamps.lasting(folder.stamp);
    const { journals, v1 } = await this.#paths.ids();
    const there = new Set(journals);
    const gone = [...this.#index.entries.keys()].filter((id) => !there.has(id));
    return { journals: [...gone, ...journals.filter((id) => this.isStale(id))], v1 };
  }

  /** Notifies lists if the deleted chats changed since they were listed: another process may delete some for good. */
  async lookAtDeleted(): Promise<void> {
    const before = this.#deletedStamp;
    if (before === null || (await this.#stampOfDeleted()) === before) return;
    this.#deletedStamp = null;
    this.#listChanged();
  }

  /** Reads a chat whose journal differs from its index entry. Failures are reported once. */
  async scan(id: string): Promise<void> {
    try {
      await this.open.use(id, async (journal) => {
        const changes = await journal.catchUp();
        if (changes === null) this.removed(id);
        else if (journal.state?.isOfLaterVersion === false) this.changed(journal, changes);
      });
    } catch (error) {
      this.#report(id, storageError('read', this.#paths.journal(id), error).message);
    }
  }

  /** Migrates the chat's file of the first format, if there is one. Failures are reported once. */
  async migrate(id: string): Promise<void> {
    // The process that holds the lock does it. It may be an earlier version, which still needs the file.
    if (this.#lock.problem !== null || statusAtSync(this.#paths.v1(id)) === null) return;
    try {
      await this.open.use(id, async (journal) => {
        const changes = await importV1(journal, this.#paths, (message) => this.#report(id, message));
        if (changes === null) return;
        this.changed(journal, changes);
        this.closing(journal);
      });
    } catch (error) {
      const isKnown = error instanceof EngineError;
      this.#report(id, isKnown ? error.message : storageError('write', this.#paths.journal(id), error).message);
    }
  }

  /** Stops background work. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.settled();
  }

  /** Writes unsaved index entries. */
  async close(): Promise<void> {
    this.#takeRunning();
    await this.#flush();
    this.#index.close();
  }

  /** Adds the texts of unfinished replies. */
  #takeRunning(): void {
    for (const id of this.open.ids) {
      const journal = this.open.peek(id);
      if (journal !== null) this.closing(journal);
    }
  }

  async #load(): Promise<void> {
    await this.loaded;
    let known = (): void => undefined;
    const isKnown = new Promise<void>((resolve) => (known = resolve));
    this.#work = this.#catchUp(known);
    await Promise.race([isKnown, sleep(FIRST_LIST_MS, undefined, { ref: false })]);
  }

  /** Brings the index in sync with the folder. Failures are reported. @param known called when no chat is missing */
  async #catchUp(known: () => void): Promise<void> {
    this.#notifiedAt = performance.now();
    try {
      const { journals, v1 } = await this.#paths.ids();
      const stale = await this.#staleOf(journals);
      if (this.#lock.problem === null) await this.#finishCompactions();
      await this.#each(stale, (id) => this.scan(id));
      await this.#each(v1, (id) => this.migrate(id));
      known();
      await this.#each(await this.#index.incomplete(), (id) => this.#rescan(id));
      if (this.#lock.problem === null) {
        const deleted = await this.#deletedJournals();
        await this.#purge(deleted.flatMap(({ id, deletedAt }) => (isExpired(deletedAt) ? [id] : [])));
      }
    } catch (error) {
      this.#report('', storageError('read', this.#paths.folder, error).message);
    }
    known();
    this.#notifiedAt = null;
    if (this.#unnotified) this.#listChanged();
    await this.#flush();
  }

  /** Changes with every chat that is deleted, restored or deleted for good. */
  async #stampOfDeleted(): Promise<string> {
    return (await statusAt(this.#paths.deleted).catch(() => null))?.stamp ?? '';
  }

  /** Drops what the index has of other deleted chats: they were restored, or deleted for good by another process. */
  async #deletedJournals(): Promise<DeletedJournal[]> {
    const journals = await this.#paths.deletedJournals();
    const there = new Set(journals.map(({ id }) => id));
    this.#index.purge(this.#index.deletedIds.filter((id) => !there.has(id)));
    return journals;
  }

  /** Reads a deleted chat that is not in the index. Failures are reported once. */
  async #readDeleted({ id, bytes }: DeletedJournal): Promise<void> {
    const journal = new Journal(id, this.#paths.deletedJournal(id), this.#files);
    try {
      await journal.catchUp();
    } catch (error) {
      return this.#report(id, storageError('read', journal.path, error).message);
    }
    const { state } = journal;
    // Chats of later versions are not listed.
    if (state === null || state.cursor.header === undefined || state.isOfLaterVersion) return;
    this.#index.setDeleted(id, state.summary(), bytes);
    this.#flushSoon();
  }

  /** Deletes chats for good. @throws the system's error */
  async #purge(ids: readonly string[]): Promise<void> {
    // Before the index is copied, for which a full disk has no space.
    await this.#paths.purgeOthers(ids);
    await this.#afterFlush(async () => {
      this.#index.purge(ids);
      await this.#index.tidy(ids.length > 0);
    });
    // If this was interrupted, they are found by their journals.
    await this.#paths.purgeJournals(ids);
  }

  async #rescan(id: string): Promise<void> {
    const entry = this.#index.entries.get(id);
    if (entry !== undefined) entry.stamp = '';
    await this.open.use(id, async (journal) => {
      journal.state = null;
    });
    await this.scan(id);
  }

  async #staleOf(journals: readonly string[]): Promise<string[]> {
    const there = new Set(journals);
    for (const id of [...this.#index.entries.keys()]) if (!there.has(id)) this.removed(id);
    const stale: string[] = [];
    for (const [at, id] of journals.entries()) {
      if (at % LOOK_AT_ONCE === LOOK_AT_ONCE - 1) await sleep(0);
      if (this.isStale(id)) stale.push(id);
    }
    return stale;
  }

  /** @throws the system's error */
  async #finishCompactions(): Promise<void> {
    for (const id of await this.#paths.interrupted()) {
      await this.open.use(id, (journal) => recover(this.#files, journal.path));
    }
  }

  async #each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const waiting = items.values();
    const next = async (): Promise<void> => {
      for (const item of waiting) {
        if (this.#stopping) return;
        await work(item);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  #set(journal: Journal, texts: readonly TurnText[], all: boolean): ChatSummary | null {
    const { id, state, stamp } = journal;
    if (state === null || state.cursor.header === undefined) return null;
    const hidden = state.hidden();
    const summary = state.summary(hidden);
    const before = this.#index.entries.get(id)?.summary;
    this.#index.set(id, { summary, stamp, hidden, isPartial: state.hasTexts }, texts, all);
    const isListed = before !== undefined && isSameRow(before, summary);
    if (!isListed) this.#listChanged();
    // Tokens alone are not worth a write: a stale entry is rebuilt.
    if (texts.length > 0 || !isListed || before.turns !== summary.turns) this.#flushSoon();
    return summary;
  }

  #listChanged(): void {
    const now = performance.now();
    this.#unnotified = this.#notifiedAt !== null && now - this.#notifiedAt < NOTIFY_EVERY_MS;
    if (this.#unnotified) return;
    if (this.#notifiedAt !== null) this.#notifiedAt = now;
    this.#emit({ type: 'chats' });
  }

  #flushSoon(): void {
    if (this.#flushTimer !== null || this.#lock.problem !== null) return;
    this.#flushTimer = setTimeout(() => void this.#flush(), FLUSH_AFTER_MS);
    this.#flushTimer.unref();
  }

  async #flush(): Promise<void> {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    if (this.#lock.problem !== null) return;
    // If a write fails, the next change writes it, or the next start rebuilds it.
    await this.#afterFlush(async () => await this.#index.flush()).catch(() => undefined);
  }

  /** Runs one write of the index's files at a time. @throws what `work` throws */
  async #afterFlush(work: () => Promise<void>): Promise<void> {
    const done = this.#flushing.then(work);
    this.#flushing = done.catch(() => undefined);
    await done;
  }

  #reportDamage({ id, path, state }: Journal): void {
    if (state === null || state.damagedLines === 0) return;
    const lines = state.damagedLines === 1 ? '1 line' : `${state.damagedLines} lines`;
    this.#report(
      id,
      `Part of the chat “${state.title}” is damaged: ${lines} of ${path} cannot be read. Showing the rest.`,
    );
  }

  #report(id: string, message: string): void {
    if (this.#reported.has(`${id} ${message}`)) return;
    this.#reported.add(`${id} ${message}`);
    this.#emit({ type: 'notice', message });
  }
}
