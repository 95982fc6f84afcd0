/** Runs inside the page: the requirements for stores of the prefix cache, on the browser's database. */
import { PREFIX_STORE_CASES } from '../../src-main/engine/test-support/prefix-store-cases.ts';
import { prefixDatabase } from '../../src-main/hosts/web/worker/prefix-database.ts';
import { PREFIX_DATABASE } from '../../src-main/protocol/prefix-database-name.ts';

/** @returns the failure, or null */
async function runPrefixStoreCase(name: string): Promise<string | null> {
  const found = PREFIX_STORE_CASES.find((candidate) => candidate.name === name);
  if (found === undefined) return `There is no case "${name}".`;
  try {
    await prefixDatabase().clear();
    await found.run(prefixDatabase);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** A person may delete a site's data while it is open. @returns the failure, or null */
async function survivesDeletion(): Promise<string | null> {
  const store = prefixDatabase();
  const key = '0'.repeat(64);
  await store.set(key, new Uint8Array(8));
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(PREFIX_DATABASE);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error ?? new Error('It was not deleted.'));
  });
  if (await store.has(key)) return 'The block is still there.';
  await store.set(key, new Uint8Array(8));
  return (await store.has(key)) ? null : 'Nothing can be stored afterwards.';
}

Object.assign(window, { runPrefixStoreCase, survivesDeletion });
