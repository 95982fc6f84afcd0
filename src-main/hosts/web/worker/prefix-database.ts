/** Stores the prefix cache in the browser's database, which the tabs of this address share. */
import { EngineError } from '../../../engine/api/errors.ts';
import type { PrefixStore } from '../../../engine/api/platform.ts';
import { PREFIX_DATABASE } from '../../../protocol/prefix-database-name.ts';
import { settled } from './settled-request.ts';

const STORES = ['blocks', 'uses', 'chats'] as const;
const LIMIT_BYTES = 2 ** 30;
/** Share of the limit that is left when blocks are deleted, so that this is rarely necessary. */
const KEPT_SHARE = 0.9;

/** Of a block. Apart from the blocks, so that it can be read without them. */
interface BlockUse {
  readonly bytes: number;
  /** When it was last used, ms since 1970. */
  readonly used: number;
}

interface Stores {
  /** By key: bytes. */
  readonly blocks: IDBObjectStore;
  /** By key: `BlockUse`. */
  readonly uses: IDBObjectStore;
  /** By chat: keys of the blocks that it has used. */
  readonly chats: IDBObjectStore;
}

/** None on insecure origins, where browsers do not hash. */
export function prefixStoreOfOrigin(): PrefixStore | undefined {
  return globalThis.isSecureContext ? prefixDatabase() : undefined;
}

/** A transaction is all or nothing, also when the browser ends or another tab writes. */
export function prefixDatabase(limit = LIMIT_BYTES): PrefixStore {
  let opened: Promise<IDBDatabase> | null = null;
  const onLost = () => (opened = null);

  async function database(): Promise<IDBDatabase> {
    const opening = (opened ??= open(onLost));
    try {
      return await opening;
    } catch (error) {
      // Tried again with the next call.
      if (opened === opening) opened = null;
      throw error;
    }
  }

  async function within<T>(mode: IDBTransactionMode, work: (stores: Stores) => Promise<T>): Promise<T> {
    try {
      const transaction = (await database()).transaction(STORES, mode);
      const done = completed(transaction);
      const [blocks, uses, chats] = STORES.map((name) => transaction.objectStore(name));
      const [result] = await Promise.all([work({ blocks, uses, chats }), done]);
      return result;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EngineError('STORAGE', `The prefix cache: ${message}`, {}, { cause });
    }
  }

  return {
    machine: navigator.userAgent,
    get: (key) => within('readonly', ({ blocks }) => settled<Uint8Array | undefined>(blocks.get(key))),
    has: (key) => within('readonly', async ({ uses }) => (await settled(uses.getKey(key))) !== undefined),
    set: (key, bytes, used = Date.now()) =>
      within('readwrite', async (stores) => {
        await settled(stores.blocks.put(bytes, key));
        await settled(stores.uses.put({ bytes: bytes.length, used } satisfies BlockUse, key));
        return evict(stores, limit);
      }),
    capacity: (blockBytes) => Math.floor((KEPT_SHARE * limit) / blockBytes),
    delete: (key) => within('readwrite', (stores) => deleteBlocks(stores, [key])),
    use: (chat, keys) =>
      within('readwrite', async ({ uses, chats }) => {
        const known = (await settled<string[] | undefined>(chats.get(chat))) ?? [];
        await settled(chats.put([...new Set([...known, ...keys])], chat));
        const now = Date.now();
        for (const [i, key] of keys.entries()) {
          const use = await settled<BlockUse | undefined>(uses.get(key));
          if (use !== undefined) await settled(uses.put({ ...use, used: now - i } satisfies BlockUse, key));
        }
      }),
    deleteChat: (chat) =>
      within('readwrite', async (stores) => {
        const keys = new Set(await settled<string[] | undefined>(stores.chats.get(chat)));
        await settled(stores.chats.delete(chat));
        for (const others of await settled<string[][]>(stores.chats.getAll())) {
          for (const key of others) keys.delete(key);
        }
        await deleteBlocks(stores, keys);
      }),
    size: () =>
      within('readonly', async ({ uses }) => {
        const all = await settled<BlockUse[]>(uses.getAll());
        return { bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), limit };
      }),
    clear: () =>
      within('readwrite', async (stores) => {
        await Promise.all(Object.values(stores).map((store: IDBObjectStore) => settled(store.clear())));
      }),
    sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)),
  };
}

/**
 * Deletes the blocks that were used least recently, if there are too many, and chats that have none left.
 * @returns keys of the deleted blocks
 */
async function evict(stores: Stores, limit: number): Promise<string[]> {
  const { uses, chats } = stores;
  const [keys, values] = await Promise.all([settled(uses.getAllKeys()), settled<BlockUse[]>(uses.getAll())]);
  let bytes = values.reduce((sum, use) => sum + use.bytes, 0);
  if (bytes <= limit) return [];
  const oldest = keys.map((key, i) => ({ key: String(key), ...values[i] })).sort((a, b) => a.used - b.used);
  const left = new Set(oldest.map(({ key }) => key));
  const deleted: string[] = [];
  for (const use of oldest) {
    if (bytes <= KEPT_SHARE * limit) break;
    left.delete(use.key);
    deleted.push(use.key);
    bytes -= use.bytes;
  }
  await deleteBlocks(stores, deleted);
  for (const chat of await settled(chats.getAllKeys())) {
    const used = (await settled<string[] | undefined>(chats.get(chat))) ?? [];
    if (!used.some((key) => left.has(key))) await settled(chats.delete(chat));
  }
  return deleted;
}

async function deleteBlocks({ blocks, uses }: Stores, keys: Iterable<string>): Promise<void> {
  for (const key of keys) await Promise.all([settled(blocks.delete(key)), settled(uses.delete(key))]);
}

/** @param onLost called when the database must be opened again, because it was deleted */
async function open(onLost: () => void): Promise<IDBDatabase> {
  const request = indexedDB.open(PREFIX_DATABASE, 1);
  request.onupgradeneeded = () => {
    for (const name of STORES) request.result.createObjectStore(name);
  };
  const database = await settled(request);
  database.onclose = onLost;
  database.onversionchange = () => {
    database.close();
    onLost();
  };
  return database;
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('The transaction was aborted.'));
  });
}
