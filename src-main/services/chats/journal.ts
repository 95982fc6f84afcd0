import type { ChatEvent, StoredChat } from '../../protocol/app/chats/chat.ts';
import { applyEvent, emptyChat, indexOf } from '../../protocol/app/chats/apply-event.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { codeOf } from '../json-file.ts';
import { ChatState } from './chat-state.ts';
import { statusAt, type ChatFiles, type FileStatus, type OpenFile } from './files.ts';
import { entriesOf, headerLine, START, type Entry } from './journal-format.ts';
import { LINE_BREAK_AFTER_TORN } from './lines.ts';

const MAX_ATTEMPTS = 32;

/** Entries found since the file was last read. */
export interface Change {
  from: number;
  revision: number;
  events: ChatEvent[];
  /** Whether this call wrote them. */
  own: boolean;
}

/**
 * One chat's file. Several processes may append to it at the same time, each batch of complete lines in one write; the
 * order in the file is the order for all. Calls must not overlap.
 */
export class Journal {
  state: ChatState | null = null;
  /** Stamp of the file when it was last read. */
  stamp = '';

  constructor(
    readonly id: string,
    readonly path: string,
    readonly files: ChatFiles,
    /** Called when the file was read from the start, because it is new or was replaced. */
    private readonly opened: (journal: Journal) => void = () => undefined,
  ) {}

  /** Reads new entries. @returns null when the file does not exist (any more). @throws the system's error */
  async catchUp(): Promise<Change[] | null> {
    return await this.#reading(async (file) => (await this.#catchUp(file)).changes);
  }

  /**
   * Appends a batch of complete lines.
   * @param createdAt creates a missing file; null makes a missing file an error
   * @returns earlier unread entries, the new ones and later ones; null when the file is missing
   * @throws the system's error; nothing of the batch stays, unless others have appended; it can be repeated
   */
  async append(batch: Buffer, createdAt: string | null): Promise<Change[] | null> {
    const changes: Change[] = [];
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const create = createdAt !== null && attempt === 0;
      const done = await this.#with(this.files.openToAppend(this.path, create), async (file) => {
        const caught = await this.#catchUp(file);
        changes.push(...caught.changes);
        if (this.state?.isOfLaterVersion) throw laterVersion(this.path);
        return await this.#append(file, caught.status, batch, createdAt ?? '', changes);
      });
      if (done === null) return null;
      if (done) return changes;
      // Repeated events have no effect, so they are simply written again.
    }
    throw new Error(`${this.path} keeps being replaced while it is read.`);
  }

  /**
   * Reads the whole chat. @returns null when the file does not exist. @throws EngineError STORAGE for a later version's
   * file
   */
  async readAll(): Promise<{ chat: StoredChat; changes: Change[] } | null> {
    return await this.#reading(async (file) => {
      const caught = await this.#catchUp(file);
      const state = this.#known();
      if (state.isOfLaterVersion) throw laterVersion(this.path);
      const entries = caught.all ?? [...entriesOf(await file.read(0, state.cursor.offset), { ...START })];
      return { chat: chatOf(state, entries), changes: caught.changes };
    });
  }

  /** Events after a revision, oldest first; null when they were merged by compaction. */
  async since(revision: number, until = Infinity): Promise<ChatEvent[] | null> {
    const state = this.#known();
    if (revision === Math.min(state.revision, until)) return [];
    if (revision < state.floor || revision > state.revision) return null;
    return await this.#reading(async (file) => {
      const cursor = state.cursorBefore(revision);
      const bytes = await file.read(cursor.offset, state.cursor.offset);
      return eventsOf([...entriesOf(bytes, cursor)].filter((one) => one.revision > revision && one.revision <= until));
    });
  }

  async #catchUp(file: OpenFile): Promise<{ changes: Change[]; status: FileStatus; all: Entry[] | null }> {
    const status = await file.status();
    const before = this.state;
    const isSame = before !== null && before.file === status.identity && before.cursor.offset <= status.size;
    const state = isSame ? before : new ChatState(this.id, status.identity);
    const from = state.revision;
    const isNew = status.size > state.cursor.offset;
    const entries = isNew ? state.read(await file.read(state.cursor.offset, status.size)) : [];
    this.state = state;
    this.stamp = status.stamp;
    if (!isSame) {
      this.opened(this);
      return { changes: [replaced(state, before, entries)], status, all: entries };
    }
    const moved = state.revision > from;
    const change = { from, revision: state.revision, events: eventsOf(entries), own: false };
    return { changes: moved ? [change] : [], status, all: null };
  }

  /** @returns false when the file was replaced meanwhile; null when it was deleted */
  async #append(
    file: OpenFile,
    status: FileStatus,
    batch: Buffer,
    createdAt: string,
    changes: Change[],
  ): Promise<boolean | null> {
    const state = this.#known();
    const start = state.cursor.offset;
    let bytes = batch;
    if (status.size === 0) {
      const header = headerLine({ id: this.id, createdAt, revision: 0, body: 0, replaces: 0 });
      bytes = Buffer.concat([header, batch]);
    } else if (status.size > start) bytes = Buffer.concat([LINE_BREAK_AFTER_TORN, batch]);
    await file.append(bytes, status.size);
    const { size, stamp } = await file.status();
    const isAlone = status.size === start && size === start + bytes.length;
    const tail = isAlone ? bytes : await file.read(start, size);
    const at = tail.indexOf(bytes);
    if (at < 0) return false;
    const from = state.revision;
    const entries = state.read(tail);
    changes.push(...groups(from, entries, (end) => end > start + at && end <= start + at + bytes.length));
    // Of what was read: another process may have appended since.
    this.stamp = stamp;
    try {
      return (await statusAt(this.path)).identity === state.file;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  #known(): ChatState {
    if (this.state === null) throw new Error('The journal has not been read yet.');
    return this.state;
  }

  async #reading<T>(work: (file: OpenFile) => Promise<T>): Promise<T | null> {
    return await this.#with(this.files.openToRead(this.path), work);
  }

  async #with<T>(opening: Promise<OpenFile>, work: (file: OpenFile) => Promise<T>): Promise<T | null> {
    let file: OpenFile;
    try {
      file = await opening;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      this.state = null;
      return null;
    }
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  }
}

export function chatOf(state: ChatState, entries: readonly Entry[]): StoredChat {
  const chat = emptyChat(state.id, state.createdAt);
  const turns = indexOf(chat);
  for (const { event } of entries) if (event !== null) applyEvent(chat, event, turns);
  chat.updatedAt = state.updatedAt;
  chat.revision = state.revision;
  return chat;
}

export function laterVersion(path: string): EngineError {
  const message = `${path} was written by a newer version of Tokenscope and was not changed. Update Tokenscope to open it.`;
  return new EngineError('STORAGE', message, { path });
}

function eventsOf(entries: readonly Entry[]): ChatEvent[] {
  return entries.flatMap(({ event }) => (event === null ? [] : [event]));
}

/**
 * Changes for pages after a file was replaced, or opened for the first time. Lines after the compacted part may have had
 * other revisions in the old file, so all of them are sent once more.
 */
function replaced(state: ChatState, before: ChatState | null, entries: readonly Entry[]): Change {
  const { revision } = state;
  if (before === null) return { from: revision, revision, events: [], own: false };
  const base = state.floor;
  if (before.revision < base) return { from: base, revision, events: [], own: false };
  if (before.revision > base) state.floor = before.revision + 1;
  const events = eventsOf(entries.filter((entry) => entry.revision > base));
  return { from: before.revision, revision, events, own: false };
}

/** Groups entries into changes by who wrote them. */
function groups(from: number, entries: readonly Entry[], isOwn: (end: number) => boolean): Change[] {
  const changes: Change[] = [];
  let revision = from;
  for (const entry of entries) {
    const own = isOwn(entry.end);
    let change = changes.at(-1);
    if (change?.own !== own) changes.push((change = { from: revision, revision, events: [], own }));
    if (entry.event !== null) change.events.push(entry.event);
    change.revision = revision = entry.revision;
  }
  return changes;
}
