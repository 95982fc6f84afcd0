/** Frees space in a full browser storage, so that a person who deletes chats can save again. */
import { PREFIX_DATABASE } from '../../../src-main/protocol/prefix-database-name.ts';
import { BrowserChats } from './browser-chats.ts';
import { BrowserComparisons } from './browser-comparisons.ts';
import { Database } from './database.ts';

/** For `Database`: what can be computed again first, and then what could still have been restored. */
export function storageReclaims(): (() => Promise<void>)[] {
  return [deletePrefixCache, purgeDeleted];
}

/** Its Worker creates it again. */
function deletePrefixCache(): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(PREFIX_DATABASE);
    // Blocked: a tab that does not run now has it open.
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}

async function purgeDeleted(): Promise<void> {
  // One that frees nothing itself.
  const database = new Database();
  for (const items of [
    new BrowserChats(database, () => undefined),
    new BrowserComparisons(database, () => undefined),
  ]) {
    // Whenever they were deleted.
    await items.purge(Infinity);
  }
}
