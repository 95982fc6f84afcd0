import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PREFIX_STORE_CASES } from '../../../engine/test-support/prefix-store-cases.ts';
import { PREFIX_DATABASE } from '../../../protocol/prefix-database-name.ts';
import { prefixDatabase, prefixStoreOfOrigin } from './prefix-database.ts';

const KEY = '0'.repeat(64);

beforeEach(async () => {
  vi.stubGlobal('navigator', { userAgent: 'A browser' });
  await deleted();
});
afterEach(() => void vi.unstubAllGlobals());

function deleted(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(PREFIX_DATABASE);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error ?? new Error('It was not deleted.'));
  });
}

// Also in the browser: e2e/web-prefix-database.spec.ts.
describe('a database of blocks', () => {
  it.each(PREFIX_STORE_CASES)('$name', ({ run }) => run(prefixDatabase));

  it('is created again after it was deleted', async () => {
    const store = prefixDatabase();
    await store.set(KEY, new Uint8Array(8));
    await deleted();
    expect(await store.has(KEY)).toBe(false);
    await store.set(KEY, new Uint8Array(8));
    expect(await store.has(KEY)).toBe(true);
  });

  it('fails with STORAGE while it cannot be opened, and works again afterwards', async () => {
    const store = prefixDatabase();
    const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('not here', 'SecurityError');
    });
    await expect(store.size()).rejects.toMatchObject({ code: 'STORAGE', message: expect.stringContaining('not here') });
    open.mockRestore();
    expect((await store.size()).bytes).toBe(0);
  });

  it('is not used on an insecure origin, where browsers do not hash', () => {
    vi.stubGlobal('isSecureContext', false);
    expect(prefixStoreOfOrigin()).toBeUndefined();
    vi.stubGlobal('isSecureContext', true);
    expect(prefixStoreOfOrigin()).toBeDefined();
  });
});
