/** The browser's database with chats, runs and settings, for a page without a host that stores them. */
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { ChatEvent, DetailsChunk, StoredChat } from '../../../src-main/protocol/app/chats/chat.ts';
import type { ComparisonSummary, StoredComparison } from '../../../src-main/protocol/app/comparisons/comparison.ts';

/** A chat without its texts, tokens and facts of replies. */
export interface ChatRecord {
  id: string;
  outline: StoredChat;
  /** Changes before this revision are only in the snapshot. */
  floor: number;
  /** ISO 8601, UTC; null: not deleted. */
  deletedAt: string | null;
}

/** Events of one write, from revision `from` on. A snapshot of everything before `floor` has `from` -1 and no events. */
export interface EventBatch {
  chat: string;
  from: number;
  events: ChatEvent[];
  snapshot: StoredChat | null;
}

export interface DetailsRow extends DetailsChunk {
  chat: string;
}

export interface RunRecord {
  id: string;
  summary: ComparisonSummary;
  /** The page that wrote it last. */
  origin: string;
  deletedAt: string | null;
}

interface Records {
  /** By the key `key`: settings, and what is known of built-in models. */
  values: { key: string; value: unknown };
  chats: ChatRecord;
  batches: EventBatch;
  details: DetailsRow;
  runs: RunRecord;
  /** Apart from their summaries, because lists do not need them. */
  runBodies: StoredComparison;
}

export type StoreName = keyof Records;

const KEY_PATHS: Record<StoreName, string | string[]> = {
  values: 'key',
  chats: 'id',
  batches: ['chat', 'from'],
  details: ['chat', 'turn', 'from'],
  runs: 'id',
  runBodies: 'id',
};

const NAME = 'tokenscope';
const VERSION = 1;

type Key = string | (string | number)[];

/** A store within a transaction. */
export class StoreTable<T> {
  readonly #store: IDBObjectStore;

  constructor(store: IDBObjectStore) {
    this.#store = store;
  }

  get(key: Key): Promise<T | undefined> {
    return settled<T | undefined>(this.#store.get(key));
  }

  /** Sorted by key. @param from and `to`: inclusive */
  all(from?: Key, to?: Key): Promise<T[]> {
    const range = from === undefined || to === undefined ? null : IDBKeyRange.bound(from, to);
    return settled<T[]>(this.#store.getAll(range));
  }

  async put(value: T): Promise<void> {
    await settled(this.#store.put(value));
  }

  async delete(from: Key, to = from): Promise<void> {
    await settled(this.#store.delete(IDBKeyRange.bound(from, to)));
  }
}

type Mode = 'readonly' | 'readwrite';
type Tables = { [N in StoreName]: StoreTable<Records[N]> };

export class Database {
  /** What frees space when the storage is full, cheapest loss first. */
  readonly #reclaims: readonly (() => Promise<void>)[];
  #opened: Promise<IDBDatabase> | null = null;

  constructor(reclaims: readonly (() => Promise<void>)[] = []) {
    this.#reclaims = reclaims;
  }

  /**
   * Runs one transaction. `work` must await nothing but the tables. It runs again each time that space was freed for it.
   * @throws EngineError STORAGE with nothing changed, or what `work` throws
   */
  async run<N extends StoreName, T>(
    names: readonly N[],
    mode: Mode,
    work: (tables: Pick<Tables, N>) => Promise<T>,
  ): Promise<T> {
    const reclaims = mode === 'readwrite' ? [...this.#reclaims] : [];
    for (;;) {
      try {
        return await this.#runOnce(names, mode, work);
      } catch (error) {
        const reclaim = isFull(error) ? reclaims.shift() : undefined;
        if (reclaim === undefined) throw error;
        // If it fails, so does the next try, which says why.
        await reclaim().catch(() => undefined);
      }
    }
  }

  async #runOnce<N extends StoreName, T>(
    names: readonly N[],
    mode: Mode,
    work: (tables: Pick<Tables, N>) => Promise<T>,
  ): Promise<T> {
    const { transaction } = await this.#begin(names, mode);
    const done = ended(transaction);
    // Without an unhandled rejection when `work` fails.
    done.catch(() => undefined);
    const entries = names.map((name) => [name, new StoreTable(transaction.objectStore(name))] as const);
    let result: T;
    try {
      // Each name has the table of its store.
      result = await work(Object.fromEntries(entries) as unknown as Pick<Tables, N>);
    } catch (error) {
      abort(transaction);
      throw error instanceof EngineError ? error : await storageError(mode, transaction.error ?? error);
    }
    await done.catch(async (error: unknown) => {
      throw await storageError(mode, error);
    });
    return result;
  }

  async #begin(names: readonly StoreName[], mode: Mode): Promise<{ transaction: IDBTransaction }> {
    try {
      return { transaction: (await this.#open()).transaction([...names], mode) };
    } catch (error) {
      throw await storageError(mode, error);
    }
  }

  async #open(): Promise<IDBDatabase> {
    this.#opened ??= this.#connect().catch((error: unknown) => {
      this.#opened = null;
      throw error;
    });
    return await this.#opened;
  }

  async #connect(): Promise<IDBDatabase> {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(KEY_PATHS)) request.result.createObjectStore(name, { keyPath });
    };
    const database = await settled(request);
    // Another tab has a later version of the app, or the browser deleted the data.
    database.onversionchange = () => {
      database.close();
      this.#opened = null;
    };
    database.onclose = () => (this.#opened = null);
    return database;
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The database gave no reason'));
  });
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('The transaction was aborted'));
  });
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has already failed.
  }
}

const FULL = 'QuotaExceededError';

function isFull(error: unknown): boolean {
  return error instanceof EngineError && error.details.reason === FULL;
}

async function storageError(mode: Mode, cause: unknown): Promise<EngineError> {
  const name = cause instanceof DOMException ? cause.name : '';
  const message = name === FULL ? await fullText() : failedText(mode, cause);
  return new EngineError('STORAGE', message, { reason: name }, { cause });
}

function failedText(mode: Mode, cause: unknown): string {
  const action = mode === 'readonly' ? 'read' : 'write';
  return `Could not ${action} this browser’s storage: ${cause instanceof Error ? cause.message : String(cause)}`;
}

async function fullText(): Promise<string> {
  const { usage, quota } = await estimate();
  const sizes = usage === undefined || quota === undefined ? '' : ` (${megabytes(usage)} of ${megabytes(quota)})`;
  return (
    `This browser’s storage for Tokenscope is full${sizes}. Delete chats that you no longer need, or free disk space. ` +
    'Nothing saved earlier is lost.'
  );
}

async function estimate(): Promise<StorageEstimate> {
  try {
    return await navigator.storage.estimate();
  } catch {
    // Some browsers do not report it.
    return {};
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)}\u00a0MB`;
}
