/** Chats in the browser's database, with the same meaning as in journals on disk: a chat is its events. */
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppEvent } from '../../../src-main/protocol/app/app-services.ts';
import { applyEvent, emptyChat, indexOf, type TurnIndex } from '../../../src-main/protocol/app/chats/apply-event.ts';
import { branchesOf } from '../../../src-main/protocol/app/chats/branches.ts';
import {
  MAX_EVENTS_PER_WRITE,
  type ChatDetailsRange,
  type ChatEvent,
  type ChatSummary,
  type ChatUpdate,
  type ChatWrite,
  type ChatWritten,
  type DetailsChunk,
  type FoundChat,
  type HitRequest,
  type SearchHit,
  type StoredChat,
  type TokenDetails,
} from '../../../src-main/protocol/app/chats/chat.ts';
import { mergedUpdate, NOTEBOOK_TEXT, textOfUpdates } from '../../../src-main/protocol/app/chats/notebook.ts';
import { exactHit, plain } from '../../../src-main/protocol/app/chats/search-hit.ts';
import { newestFirst } from '../../../src-main/protocol/app/newest-first.ts';
import { isExpired, restorable, type DeletedChat } from '../../../src-main/protocol/app/recently-deleted.ts';
import type { ChatRecord, Database, EventBatch, StoreTable } from './database.ts';

/** Tokens of one row of details, which is read to show one token. */
const TOKENS_PER_ROW = 64;
/** Batches from which a chat that is read is replaced by a snapshot. */
const MANY_BATCHES = 256;
const SNAPSHOT = -1;
const LAST = Number.MAX_SAFE_INTEGER;
/** After every turn's id. */
const LAST_TURN = '\uffff';

export class BrowserChats {
  readonly #database: Database;
  readonly #emit: (event: AppEvent) => void;
  /** For the search, by chat. */
  readonly #texts = new Map<string, { revision: number; texts: { turn: string; text: string }[] }>();

  /** @param emit tells this page and those in other tabs */
  constructor(database: Database, emit: (event: AppEvent) => void) {
    this.#database = database;
    this.#emit = emit;
  }

  /** Newest first. @throws EngineError STORAGE */
  async list(): Promise<ChatSummary[]> {
    return newestFirst((await this.#records()).map(summaryOf));
  }

  /** @throws EngineError STORAGE */
  async search(query: string): Promise<FoundChat[]> {
    const wanted = plain(query.trim());
    const found: FoundChat[] = [];
    for (const record of await this.#records()) {
      const summary = summaryOf(record);
      if (plain(summary.title).includes(wanted)) found.push({ ...summary, hit: null });
      else {
        const hit = hitIn(await this.#textsOf(record), query.trim());
        if (hit !== null) found.push({ ...summary, hit });
      }
    }
    return newestFirst(found);
  }

  /** @throws EngineError STORAGE */
  async hit({ id, turn, query }: HitRequest): Promise<SearchHit | null> {
    const chat = await this.get(id);
    const text = chat === null ? undefined : textsIn(chat).find((one) => one.turn === turn)?.text;
    return text === undefined ? null : exactHit(turn, text, query.trim());
  }

  /** @throws EngineError STORAGE */
  async get(id: string): Promise<StoredChat | null> {
    const read = await this.#database.run(['chats', 'batches'], 'readonly', async ({ chats, batches }) => {
      const record = await chats.get(id);
      if (record === undefined || record.deletedAt !== null) return null;
      return { record, batches: await batches.all([id, SNAPSHOT], [id, LAST]) };
    });
    if (read === null) return null;
    const chat = built(read.record, read.batches);
    // If it fails, the chat is unchanged, and the next time tries again.
    // Of a copy, because the caller may change what it gets.
    if (read.batches.length > MANY_BATCHES) void this.#compact(structuredClone(chat)).catch(() => undefined);
    return chat;
  }

  /** @throws EngineError CHAT_NOT_FOUND, STORAGE */
  async since(id: string, revision: number): Promise<ChatUpdate | null> {
    return await this.#database.run(['chats', 'batches'], 'readonly', async ({ chats, batches }) => {
      const record = await chats.get(id);
      if (record === undefined || record.deletedAt !== null) throw notFound(id);
      const events = await eventsSince(batches, record, revision);
      return events === null ? null : { revision: record.outline.revision, events };
    });
  }

  /** @throws EngineError CHAT_NOT_FOUND, STORAGE; a failed write can be repeated unchanged */
  async write({ id, base, origin, events, details }: ChatWrite): Promise<ChatWritten> {
    let isNew = false;
    const { written, from, summary } = await this.#database.run(
      ['chats', 'batches', 'details'],
      'readwrite',
      async (tables) => {
        const stored = await tables.chats.get(id);
        const first = base === 0 ? events[0] : undefined;
        isNew = stored === undefined && first !== undefined;
        const record = stored ?? (first === undefined ? null : newRecord(id, first.at));
        // A late write must not restore a deleted chat.
        if (record === null || record.deletedAt !== null) throw notFound(id);
        const before = record.outline.revision;
        const missed = await eventsSince(tables.batches, record, base);
        for (const chunk of details.flatMap(rowsOf)) await tables.details.put({ chat: id, ...chunk });
        if (events.length > 0) {
          const turns = indexOf(record.outline);
          for (const event of events) applyToOutline(record.outline, event, turns);
          await tables.batches.put({ chat: id, from: before, events, snapshot: null });
          await tables.chats.put(record);
        }
        const { revision } = record.outline;
        return { written: { revision, missed }, from: before, summary: summaryOf(record) };
      },
    );
    if (isNew) this.#emit({ type: 'chats' });
    const { revision } = written;
    if (events.length > 0) this.#emit({ type: 'chat', id, from, revision, events, origin, summary });
    return written;
  }

  /** @throws EngineError STORAGE */
  async details({ id, turn, from, count }: ChatDetailsRange): Promise<(TokenDetails | null)[]> {
    const first = [id, turn, from - TOKENS_PER_ROW + 1];
    const rows = await this.#database.run(['details'], 'readonly', ({ details }) =>
      details.all(first, [id, turn, from + count - 1]),
    );
    const result = new Array<TokenDetails | null>(count).fill(null);
    for (const row of rows) {
      for (const [at, value] of row.details.entries()) {
        const index = row.from + at - from;
        if (index >= 0 && index < count) result[index] = value;
      }
    }
    return result;
  }

  /** @throws EngineError STORAGE */
  async delete(id: string): Promise<void> {
    await this.#database.run(['chats'], 'readwrite', async ({ chats }) => {
      const record = await chats.get(id);
      if (record !== undefined) await chats.put({ ...record, deletedAt: new Date().toISOString() });
    });
    this.#emit({ type: 'chats' });
  }

  /** @throws EngineError CHAT_NOT_FOUND, STORAGE */
  async restore(id: string): Promise<void> {
    await this.#database.run(['chats'], 'readwrite', async ({ chats }) => {
      const record = await chats.get(id);
      if (record === undefined) throw notFound(id);
      await chats.put({ ...record, deletedAt: null });
    });
    this.#emit({ type: 'chats' });
  }

  /** Those that can be restored, the latest deletion first. @throws EngineError STORAGE */
  async deleted(): Promise<DeletedChat[]> {
    const records = await this.#allRecords();
    const deleted = records.flatMap((record) =>
      record.deletedAt === null ? [] : [{ summary: summaryOf(record), deletedAt: Date.parse(record.deletedAt) }],
    );
    return restorable(deleted);
  }

  /** Deletes deleted chats for good; others are left alone. @throws EngineError STORAGE */
  async purgeChats(ids: readonly string[]): Promise<void> {
    const wanted = new Set(ids);
    await this.#purge((id) => wanted.has(id));
    this.#emit({ type: 'chats' });
  }

  /** Deletes for good what was deleted long ago. @throws EngineError STORAGE */
  async purge(now = Date.now()): Promise<void> {
    await this.#purge((_, deletedAt) => isExpired(deletedAt, now));
  }

  /** @param isWanted gets the id of a deleted chat, and when it was deleted, ms since 1970 */
  async #purge(isWanted: (id: string, deletedAt: number) => boolean): Promise<void> {
    await this.#database.run(['chats', 'batches', 'details'], 'readwrite', async ({ chats, batches, details }) => {
      for (const { id, deletedAt } of await chats.all()) {
        if (deletedAt === null || !isWanted(id, Date.parse(deletedAt))) continue;
        await chats.delete(id);
        await batches.delete([id, SNAPSHOT], [id, LAST]);
        await details.delete([id, '', 0], [id, LAST_TURN, LAST]);
      }
    });
  }

  async #records(): Promise<ChatRecord[]> {
    return (await this.#allRecords()).filter(({ deletedAt }) => deletedAt === null);
  }

  /** With those of deleted chats. */
  async #allRecords(): Promise<ChatRecord[]> {
    return await this.#database.run(['chats'], 'readonly', ({ chats }) => chats.all());
  }

  async #textsOf({ id, outline }: ChatRecord): Promise<{ turn: string; text: string }[]> {
    const known = this.#texts.get(id);
    if (known?.revision === outline.revision) return known.texts;
    const chat = await this.get(id);
    if (chat === null) return [];
    const hidden = hiddenIn(chat);
    const texts = textsIn(chat).filter(({ turn }) => !hidden.has(turn));
    this.#texts.set(id, { revision: chat.revision, texts });
    return texts;
  }

  /** Replaces the batches by what they resulted in, unless something was written since. */
  async #compact(chat: StoredChat): Promise<void> {
    const { id, revision } = chat;
    if (chat.updates !== undefined) chat.updates = [mergedUpdate(chat.updates)];
    await this.#database.run(['chats', 'batches'], 'readwrite', async ({ chats, batches }) => {
      const record = await chats.get(id);
      if (record?.outline.revision !== revision) return;
      await batches.delete([id, SNAPSHOT], [id, LAST]);
      await batches.put({ chat: id, from: SNAPSHOT, events: [], snapshot: chat });
      await chats.put({ ...record, floor: revision });
    });
  }
}

function newRecord(id: string, createdAt: string): ChatRecord {
  return { id, outline: emptyChat(id, createdAt), floor: 0, deletedAt: null };
}

function built({ id, outline }: ChatRecord, batches: readonly EventBatch[]): StoredChat {
  const chat = batches[0]?.snapshot ?? emptyChat(id, outline.createdAt);
  const turns = indexOf(chat);
  for (const { events } of batches) for (const event of events) applyEvent(chat, event, turns);
  return chat;
}

/** @returns null if they are no longer stored as events */
async function eventsSince(
  batches: StoreTable<EventBatch>,
  { id, outline, floor }: ChatRecord,
  revision: number,
): Promise<ChatEvent[] | null> {
  if (revision >= outline.revision) return [];
  if (revision < floor) return null;
  const first = Math.max(0, revision - MAX_EVENTS_PER_WRITE);
  const stored = await batches.all([id, first], [id, LAST]);
  return stored.flatMap(({ from, events }) => events.slice(Math.max(0, revision - from)));
}

/** Keeps titles, turns and what is removed, and no texts. */
function applyToOutline(outline: StoredChat, event: ChatEvent, turns: TurnIndex): void {
  if (event.type === 'tokens' || event.type === 'reply' || event.type === 'update') {
    outline.revision++;
    if (event.at > outline.updatedAt) outline.updatedAt = event.at;
    // Only marks it as a notebook.
    if (event.type === 'update') outline.updates = [];
  } else if (event.type === 'turn') {
    const { id, parent, createdAt } = event.turn;
    // A reply, too, is an empty message here: the list of chats reads the outlines of all.
    applyEvent(outline, { ...event, turn: { id, parent, role: 'user', text: '', createdAt } }, turns);
  } else applyEvent(outline, event, turns);
}

function summaryOf({ outline }: ChatRecord): ChatSummary {
  const { id, title, pinned, folder, createdAt, updatedAt, updates } = outline;
  const hidden = hiddenIn(outline);
  const turns = outline.turns.filter((turn) => !hidden.has(turn.id));
  const parents = new Set(turns.map(({ parent }) => parent).filter((parent) => parent !== null));
  const notebook = updates === undefined ? {} : ({ notebook: true } as const);
  const counts = { turns: turns.length, ...branchesOf(turns.length, parents) };
  return { id, title, pinned, folder, createdAt, updatedAt, ...counts, ...notebook };
}

/** What is searched: the text of a notebook, and those of all turns. */
function textsIn({ turns, updates }: StoredChat): { turn: string; text: string }[] {
  const texts = turns.map(({ id: turn, text }) => ({ turn, text }));
  return updates === undefined ? texts : [{ turn: NOTEBOOK_TEXT, text: textOfUpdates(updates) }, ...texts];
}

/** Deleted turns and all their descendants. */
function hiddenIn({ turns, removed }: StoredChat): Set<string> {
  const hidden = new Set(removed);
  // Parents come before their children.
  for (const { id, parent } of turns) if (parent !== null && hidden.has(parent)) hidden.add(id);
  return hidden;
}

function hitIn(texts: readonly { turn: string; text: string }[], query: string): SearchHit | null {
  for (const { turn, text } of texts) {
    const hit = exactHit(turn, text, query);
    if (hit !== null) return hit;
  }
  return null;
}

function rowsOf({ turn, from, details }: DetailsChunk): DetailsChunk[] {
  const rows: DetailsChunk[] = [];
  for (let at = 0; at < details.length; at += TOKENS_PER_ROW) {
    rows.push({ turn, from: from + at, details: details.slice(at, at + TOKENS_PER_ROW) });
  }
  return rows;
}

function notFound(id: string): EngineError {
  return new EngineError('CHAT_NOT_FOUND', 'This chat no longer exists. It was deleted here or in another tab.', {
    id,
  });
}
