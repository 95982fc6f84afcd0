/**
 * Summaries and texts of all chats, for the list and the search, so that neither opens a journal. Everything here can be
 * rebuilt from the journals: an entry whose stamp differs from its journal's is stale, and a damaged one counts as
 * missing.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import type { ChatSummary, FoundChat, SearchHit } from '../../protocol/app/chats/chat.ts';
import { NOTEBOOK_TEXT } from '../../protocol/app/chats/notebook.ts';
import { plain } from '../../protocol/app/chats/search-hit.ts';
import { codeOf } from '../json-file.ts';
import { sizeOfStamp, type ChatFiles } from './files.ts';
import { encodeLine, linesOf } from './lines.ts';
import { checksumOf, findIn, textLine, textLines, type TurnText } from './search-text.ts';

/** Earlier versions had neither folders nor pinned chats. */
type StoredSummary = Omit<ChatSummary, 'pinned' | 'folder'> & Partial<ChatSummary>;

export interface IndexEntry {
  summary: ChatSummary;
  /** Size and modification time of the journal. */
  stamp: string;
  /** Turns that the search skips. */
  hidden: string[];
  /** Size of the lines of the chat's turns in the file of texts. */
  textBytes: number;
  /** The latest line with the text of a notebook, which replaces earlier ones; null if there is none. */
  notebook: { checksum: string; bytes: number } | null;
  /** Whether texts of turns that have not ended are missing: if the process is killed now, the entry is stale. */
  isPartial: boolean;
}

type NewEntry = Omit<IndexEntry, 'textBytes' | 'notebook'>;

/** A deleted chat, so that listing it opens no journal. */
interface DeletedEntry {
  summary: ChatSummary;
  /** Size of its journal. An entry with another size is stale. */
  bytes: number;
}

/** A line of the file of summaries. Without a summary, the chat is no longer listed. */
type StoredLine = { id?: string; summary?: StoredSummary; deleted?: DeletedEntry } & Partial<
  Omit<IndexEntry, 'summary'>
>;

/** How long texts stay in memory after a search, ms. */
const KEEP_TEXTS_MS = 30_000;
/** Lines read before other work gets its turn: a host prints its address, or opens its window, meanwhile. */
const LINES_AT_ONCE = 500;
/** Obsolete bytes from which the file of texts is rewritten. */
const MAX_WASTE = 4 * 1024 * 1024;

export class ChatIndex {
  readonly entries = new Map<string, IndexEntry>();
  readonly #deleted = new Map<string, DeletedEntry>();
  readonly #folder: string;
  readonly #files: ChatFiles;
  /** Ids whose entries have unsaved changes. */
  readonly #changed = new Set<string>();
  /** Lines that are not in the file yet. */
  #newTexts: Buffer[] = [];
  /** Lines that are being written to the file. */
  #writing: readonly Buffer[] = [];
  /** The file of texts; null until it is read, and after each change of it. */
  #texts: Buffer | null = null;
  /** Number of changes of the file of texts. */
  #textsVersion = 0;
  #clearTimer: NodeJS.Timeout | null = null;
  /** Number of lines in the file of summaries, to decide when to rewrite it. */
  #lines = 0;

  constructor(folder: string, files: ChatFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  get #summariesPath(): string {
    return join(this.#folder, 'summaries.jsonl');
  }

  get #textsPath(): string {
    return join(this.#folder, 'texts.txt');
  }

  /** Reads what an earlier run left. Never fails: unreadable parts are rebuilt. */
  async load(): Promise<void> {
    const bytes = await readFile(this.#summariesPath).catch(() => Buffer.alloc(0));
    for (const line of linesOf(bytes)) {
      if (++this.#lines % LINES_AT_ONCE === 0) await immediate();
      if (line.kind !== 'read') continue;
      const value = line.value as StoredLine;
      if (value.summary !== undefined) {
        const summary = { pinned: false, folder: '', ...value.summary };
        // Earlier versions counted all lines of a notebook as `textBytes`. It then counts as incomplete.
        const notebook = value.notebook ?? null;
        this.entries.set(summary.id, { ...(value as IndexEntry), notebook, summary, isPartial: false });
        this.#deleted.delete(summary.id);
      } else if (value.id !== undefined) {
        this.entries.delete(value.id);
        if (value.deleted === undefined) this.#deleted.delete(value.id);
        else this.#deleted.set(value.id, value.deleted);
      }
    }
  }

  /** @param all whether `texts` are all the texts of the chat, not only new ones */
  set(id: string, entry: NewEntry, texts: readonly TurnText[], all: boolean): void {
    const before = all ? undefined : this.entries.get(id);
    let { textBytes, notebook } = before ?? { textBytes: 0, notebook: null };
    for (const text of texts) {
      const line = textLine(id, text);
      if (text.turn === NOTEBOOK_TEXT) notebook = { checksum: checksumOf(line), bytes: line.length };
      else textBytes += line.length;
      this.#newTexts.push(line);
    }
    this.entries.set(id, { ...entry, textBytes, notebook });
    this.#deleted.delete(id);
    this.#changed.add(id);
  }

  /** Keeps the summary, for the list of deleted chats. */
  delete(id: string): boolean {
    this.#changed.add(id);
    const entry = this.entries.get(id);
    if (entry !== undefined) this.#deleted.set(id, { summary: entry.summary, bytes: sizeOfStamp(entry.stamp) });
    return this.entries.delete(id);
  }

  /** Ids of deleted chats whose summaries it has, also of those that are gone meanwhile. */
  get deletedIds(): string[] {
    return [...this.#deleted.keys()];
  }

  /** @param bytes size of its journal @returns null if it is not known, or its entry is stale */
  deletedSummary(id: string, bytes: number): ChatSummary | null {
    const entry = this.#deleted.get(id);
    return entry?.bytes === bytes ? entry.summary : null;
  }

  /** @param bytes size of its journal */
  setDeleted(id: string, summary: ChatSummary, bytes: number): void {
    this.#deleted.set(id, { summary, bytes });
    this.#changed.add(id);
  }

  /** Drops what is known of deleted chats that are deleted for good, in memory. `tidy` does it in the files. */
  purge(ids: readonly string[]): void {
    if (ids.length === 0) return;
    const gone = new Set(ids);
    for (const id of gone) {
      this.#deleted.delete(id);
      this.#changed.add(id);
    }
    this.#newTexts = this.#newTexts.filter((line) => ![...textLines(line)].some(({ id }) => gone.has(id)));
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** Writes all changes. @throws the system's error; the next call tries again */
  async flush(): Promise<void> {
    if (!this.hasChanges) return;
    await mkdir(this.#folder, { recursive: true });
    const texts = this.#newTexts;
    const ids = [...this.#changed];
    // Changes during this write are left to the next call.
    this.#newTexts = [];
    this.#changed.clear();
    this.#writing = texts;
    try {
      // Texts come first: an entry states how many there must be.
      if (texts.length > 0) await this.#append(this.#textsPath, Buffer.concat(texts));
      texts.length = 0;
      this.#textsChanged();
      const lines = ids.map((id) => this.#summaryLine(id));
      await this.#append(this.#summariesPath, Buffer.concat(lines));
      this.#lines += ids.length;
    } catch (error) {
      this.#newTexts = [...texts, ...this.#newTexts];
      for (const id of ids) this.#changed.add(id);
      // A part of the texts may have been written.
      this.#textsChanged();
      throw error;
    } finally {
      this.#writing = [];
    }
  }

  #textsChanged(): void {
    this.#textsVersion++;
    this.#texts = null;
  }

  #summaryLine(id: string): Buffer {
    const entry = this.entries.get(id);
    // Earlier versions read both as the end of an entry.
    if (entry === undefined) return encodeLine({ id, deleted: this.#deleted.get(id) });
    const { isPartial, stamp, ...facts } = entry;
    return encodeLine({ ...facts, stamp: isPartial ? '' : stamp });
  }

  async #append(path: string, bytes: Buffer): Promise<void> {
    const file = await this.#files.openToAppend(path, true);
    try {
      // An interrupted write must not damage the next line.
      const { size } = await file.status();
      const last = size === 0 ? '\n' : (await file.read(size - 1, size)).toString('latin1');
      await file.append(last === '\n' ? bytes : Buffer.concat([Buffer.from('\n'), bytes]), size);
    } finally {
      await file.close();
    }
  }

  /** Chats that have the query in their title or in a turn that is not deleted. */
  async search(query: string): Promise<FoundChat[]> {
    const wanted = query.trim();
    const hits = new Map<string, SearchHit | null>();
    for (const [id, { summary }] of this.entries) {
      if (plain(summary.title).includes(plain(wanted))) hits.set(id, null);
    }
    for (const texts of await this.#allTexts()) {
      findIn(texts, wanted, (id, hit, checksum) => {
        const entry = this.entries.get(id);
        if (!entry || hits.has(id) || entry.hidden.includes(hit.turn)) return;
        // An earlier line may have text that was deleted since.
        if (hit.turn === NOTEBOOK_TEXT && checksum !== entry.notebook?.checksum) return;
        hits.set(id, hit);
      });
    }
    return [...hits].flatMap(([id, hit]) => {
      const summary = this.entries.get(id)?.summary;
      return summary === undefined ? [] : [{ ...summary, hit }];
    });
  }

  /** Ids of chats with missing or damaged texts. */
  async incomplete(): Promise<string[]> {
    const found = new Map<string, number>();
    const notebooks = new Map<string, string>();
    for (const texts of await this.#allTexts()) {
      for (const { id, turn, checksum, bytes } of textLines(texts)) {
        if (turn === NOTEBOOK_TEXT) notebooks.set(id, checksum);
        else found.set(id, (found.get(id) ?? 0) + bytes.length);
      }
    }
    return [...this.entries].flatMap(([id, { textBytes, notebook }]) =>
      (found.get(id) ?? 0) < textBytes || notebooks.get(id) !== notebook?.checksum ? [id] : [],
    );
  }

  /**
   * Rewrites both files without chats that are gone, if that saves enough. Only for the one process that writes them.
   * @param must rewrites them in any case
   * @throws the system's error
   */
  async tidy(must: boolean): Promise<void> {
    if (must || this.#lines > 2 * (this.entries.size + this.#deleted.size) + 1000) {
      const lines = [...this.entries.keys(), ...this.#deleted.keys()].map((id) => this.#summaryLine(id));
      await this.#replace(this.#summariesPath, Buffer.concat(lines));
      this.#lines = lines.length;
    }
    const needed = [...this.entries.values()].reduce((sum, one) => sum + one.textBytes + (one.notebook?.bytes ?? 0), 0);
    const texts = await this.#readTexts();
    if (must || texts.length > 2 * needed + MAX_WASTE) await this.#replace(this.#textsPath, this.#withoutCopies(texts));
  }

  #withoutCopies(texts: Buffer): Buffer {
    const kept = new Map<string, Buffer>();
    for (const { id, turn, checksum, bytes } of textLines(texts)) {
      if (!this.entries.has(id)) continue;
      // The checksum represents the text. Of a notebook, the latest one replaces the others.
      const text = turn === NOTEBOOK_TEXT ? '' : checksum;
      kept.set(`${id} ${turn} ${text}`, bytes);
    }
    return Buffer.concat([...kept.values()]);
  }

  async #replace(path: string, bytes: Buffer): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(`${path}.new`, bytes, { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.#textsChanged();
  }

  /** The file of texts, and what is not in it yet; what is being written may be in both. */
  async #allTexts(): Promise<[Buffer, Buffer]> {
    // Before the file is read: afterwards, these lines may have been written.
    const waiting = Buffer.concat([...this.#writing, ...this.#newTexts]);
    return [await this.#readTexts(), waiting];
  }

  async #readTexts(): Promise<Buffer> {
    if (this.#texts !== null) return this.#keep(this.#texts);
    const version = this.#textsVersion;
    const texts = await readFile(this.#textsPath).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    return version === this.#textsVersion && this.#writing.length === 0 ? this.#keep(texts) : texts;
  }

  #keep(texts: Buffer): Buffer {
    this.#texts = texts;
    if (this.#clearTimer !== null) clearTimeout(this.#clearTimer);
    this.#clearTimer = setTimeout(() => (this.#texts = null), KEEP_TEXTS_MS);
    this.#clearTimer.unref();
    return texts;
  }

  /** Clears caches. */
  close(): void {
    if (this.#clearTimer !== null) clearTimeout(this.#clearTimer);
    this.#texts = null;
  }
}
