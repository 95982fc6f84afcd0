/**
 * Changes that a page makes while it is being closed: the browser does not finish their transactions. They are stored in a
 * storage that writes at once, and repeated by the next page, or by one in another tab. Repeating them has no effect if
 * they were finished after all.
 */
import type { AppMethodName } from '../../../src-main/protocol/app/app-services.ts';
import { newId } from '../new-id.ts';

export interface LastCall {
  method: AppMethodName;
  params: unknown[];
}

const PREFIX = 'tokenscope-last-';
const METHODS: ReadonlySet<AppMethodName> = new Set(['chatWrite', 'comparisonWrite', 'settingsSet']);

export class LastCalls {
  readonly #storage: Storage;
  /** Several pages may be closed in the same millisecond. */
  readonly #page = newId();
  #isLeaving = false;
  #count = 0;

  /** @param page reports that it is closed, and that it came back from the browser's cache */
  constructor(storage: Storage, page: Pick<Window, 'addEventListener'>) {
    this.#storage = storage;
    // Before those of the app, which save when they hear of it.
    page.addEventListener('pagehide', () => (this.#isLeaving = true), { capture: true });
    page.addEventListener('pageshow', () => (this.#isLeaving = false));
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Runs a call, and stores it until it has succeeded if the page is being closed. */
  async guard<T>(call: LastCall, run: () => Promise<T>): Promise<T> {
    if (!this.#isLeaving || !METHODS.has(call.method)) return await run();
    // Sorted by time.
    const key = `${PREFIX}${Date.now()}-${String(this.#count++).padStart(4, '0')}-${this.#page}`;
    try {
      this.#storage.setItem(key, JSON.stringify(call));
    } catch {
      // It is full. The transaction may still complete.
    }
    const result = await run();
    this.#storage.removeItem(key);
    return result;
  }

  /** Repeats what is stored, oldest first. What fails now stays for the next page. */
  async repeat(run: (call: LastCall) => Promise<unknown>): Promise<void> {
    const keys = Object.keys(this.#storage).filter((key) => key.startsWith(PREFIX));
    for (const key of keys.sort()) {
      const text = this.#storage.getItem(key);
      if (text === null) continue;
      try {
        await run(JSON.parse(text) as LastCall);
      } catch (error) {
        if (isStorageError(error)) continue;
        // A chat that was deleted meanwhile, for example.
      }
      this.#storage.removeItem(key);
    }
  }

  /** Calls `listener` when another tab stores a call. */
  static onStored(page: Pick<Window, 'addEventListener'>, listener: () => void): void {
    page.addEventListener('storage', ({ key, newValue }) => {
      if (key?.startsWith(PREFIX) && newValue !== null) listener();
    });
  }
}

function isStorageError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'STORAGE';
}
