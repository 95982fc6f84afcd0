/** Stores measurements of this computer in the browser's database, so that a second start need not measure again. */
import type { Measurements } from '../../../engine/api/platform.ts';
import { isFresh, type StoredMeasurement } from '../../stored-measurements.ts';
import { settled } from './settled-request.ts';

const DATABASE = 'tokenscope-measurements';
const STORE = 'measurements';

/**
 * Stores measurements for a day, separately by browser and number of threads. A database that cannot be opened, as in
 * some private windows, counts as empty; failing to store is not an error.
 */
export function measurementsDatabase(): Measurements {
  const machine = `${navigator.hardwareConcurrency} at once, ${navigator.userAgent}`;
  const keyOf = (key: string) => `${machine}, ${key}`;
  // At once: the first load needs it when it has fetched and read the model's headers.
  const database = open().catch(() => null);
  return {
    async get(key) {
      const kept = await withStore(await database, 'readonly', (store) => store.get(keyOf(key)));
      return isFresh(kept, Date.now()) ? kept.numbers : undefined;
    },
    async set(key, numbers) {
      const entry: StoredMeasurement = { at: Date.now(), numbers };
      await withStore(await database, 'readwrite', (store) => {
        forgetOld(store);
        return store.put(entry, keyOf(key));
      });
    },
  };
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return await settled(request);
}

async function withStore<T>(
  database: IDBDatabase | null,
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T | undefined> {
  try {
    return database === null ? undefined : await settled(ask(database.transaction(STORE, mode).objectStore(STORE)));
  } catch {
    // It will be measured again.
    return undefined;
  }
}

function forgetOld(store: IDBObjectStore): void {
  const cursor = store.openCursor();
  cursor.onsuccess = () => {
    const entry = cursor.result;
    if (entry === null) return;
    if (!isFresh(entry.value, Date.now())) entry.delete();
    entry.continue();
  };
}
