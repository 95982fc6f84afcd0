/** The key of the web host, as a page gets and keeps it. */
import { KEY_ROUTE } from '../../src-main/protocol/app/app-bridge.ts';

const STORED = 'tokenscope-key';
/** What the terminal printed after the address, or opened the browser with; and nothing else. */
const FRAGMENT = /^#(key|once)=([\w-]+)$/;

/** What is used of `window`. */
export interface KeyWindow {
  readonly location: { readonly hash: string; readonly pathname: string; readonly search: string };
  readonly history: { replaceState(state: unknown, unused: string, url: string): void };
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem'>;
  fetch(url: string, init: RequestInit): Promise<Response>;
}

/**
 * The key from the address, which loses it at once so that it stays in no bookmark and on no picture; after a reload the
 * one that this tab has kept. Null: neither has one that is good.
 */
export async function takeWebKey(page: KeyWindow): Promise<string | null> {
  const [, kind, value] = FRAGMENT.exec(page.location.hash) ?? [];
  if (value === undefined) return stored(page);
  const { pathname, search } = page.location;
  page.history.replaceState(null, '', `${pathname}${search}`);
  const key = kind === 'key' ? value : await exchange(page, value);
  // A browser that opens its last tabs again may open an address that was good once.
  if (key === null) return stored(page);
  try {
    page.sessionStorage.setItem(STORED, key);
  } catch {
    // The browser keeps nothing for this page: the key lasts until it is reloaded.
  }
  return key;
}

/** Whether a fragment signs a page in. */
export function signsIn(hash: string): boolean {
  return FRAGMENT.test(hash);
}

/** The key for a code that is good once; null: it is not good any more. */
async function exchange(page: KeyWindow, code: string): Promise<string | null> {
  const headers = { 'content-type': 'application/json' };
  const response = await page.fetch(KEY_ROUTE, { method: 'POST', headers, body: JSON.stringify({ code }) });
  if (!response.ok) return null;
  return ((await response.json()) as { result: string }).result;
}

function stored({ sessionStorage }: KeyWindow): string | null {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}
