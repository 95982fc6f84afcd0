/** Stores the prefix cache in the browser's database, which the tabs of this address share. */
import { EngineError } from '../../../engine/api/errors.ts';
import type { PrefixStore } from '../../../engine/api/platform.ts';

const DATABASE = 'tokenscope-prefix-cache';
const BLOCKS = 'blocks';
/** Sizes and times of use, so that they can be read without the blocks. */
const USES = 'uses';
const LIMIT_BYTES = 2 ** 30;
/** What is deleted at once, so that it is rarely necessary. */
const KEPT_SHARE = 0.9;

interface Use {
  readonly bytes: number;
  /** When it was last used, ms since 1970. */
  readonly used: number;
}

/** A transaction is all or nothing, also when the browser ends or another tab writes. */
export function prefixDatabase(limit = LIMIT_BYTES): PrefixStore {
  let opened: Promise<IDBDatabase> | undefined;

  async function within<T>(
    mode: IDBTransactionMode,
    work: (blocks: IDBObjectStore, uses: IDBObjectStore) => Promise<T>,
  ) {
    try {
      opened ??= open();
      const transaction = (await opened).transaction([BLOCKS, USES], mode);
      const done = completed(transaction);
      const [result] = await Promise.all([work(transaction.objectStore(BLOCKS), transaction.objectStore(USES)), done]);
      return result;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EngineError('STORAGE', `The prefix cache: ${message}`, {}, { cause });
    }
  }

  return {
    get: (key) => within('readonly', (blocks) => settled<Uint8Array | undefined>(blocks.get(key))),
    has: (key) => within('readonly', async (_, uses) => (await settled(uses.getKey(key))) !== undefined),
    set: (key, bytes) =>
      within('readwrite', async (blocks, uses) => {
        await settled(blocks.put(bytes, key));
        await settled(uses.put({ bytes: bytes.length, used: Date.now() } satisfies Use, key));
        await makeRoom(blocks, uses, limit);
      }),
    delete: (key) =>
      within('readwrite', async (blocks, uses) => {
        await Promise.all([settled(blocks.delete(key)), settled(uses.delete(key))]);
      }),
    touch: (keys) =>
      within('readwrite', async (_, uses) => {
        const now = Date.now();
        for (const [i, key] of keys.entries()) {
          const use = await settled<Use | undefined>(uses.get(key));
          if (use !== undefined) await settled(uses.put({ ...use, used: now - i } satisfies Use, key));
        }
      }),
    size: () =>
      within('readonly', async (_, uses) => {
        const all = await settled<Use[]>(uses.getAll());
        return { bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), limit };
      }),
    clear: () =>
      within('readwrite', async (blocks, uses) => {
        await Promise.all([settled(blocks.clear()), settled(uses.clear())]);
      }),
    sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)),
  };
}

/** Deletes the blocks that were used least recently, if there are too many. */
async function makeRoom(blocks: IDBObjectStore, uses: IDBObjectStore, limit: number): Promise<void> {
  const [keys, values] = await Promise.all([settled(uses.getAllKeys()), settled<Use[]>(uses.getAll())]);
  let bytes = values.reduce((sum, use) => sum + use.bytes, 0);
  if (bytes <= limit) return;
  const oldest = keys.map((key, i) => ({ key, ...values[i] })).sort((a, b) => a.used - b.used);
  for (const use of oldest) {
    if (bytes <= KEPT_SHARE * limit) break;
    await Promise.all([settled(blocks.delete(use.key)), settled(uses.delete(use.key))]);
    bytes -= use.bytes;
  }
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(BLOCKS);
    request.result.createObjectStore(USES);
  };
  return settled(request);
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('The transaction was aborted.'));
  });
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The database returned an error.'));
  });
}
