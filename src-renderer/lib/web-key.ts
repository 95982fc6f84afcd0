/** How a page obtains and stores the key of the web host. */
import { KEY_ROUTE } from '../../src-main/protocol/app/app-bridge.ts';

const STORED = 'tokenscope-key';
/** The fragment of the printed address, or of the one that opened the browser. */
const FRAGMENT = /^#(key|once)=([\w-]+)$/;

/** The parts of `window` used here. */
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
  // A browser that restores its tabs may open an address whose code is used up.
  if (key === null) return stored(page);
  try {
    page.sessionStorage.setItem(STORED, key);
  } catch {
    // The browser does not store anything for this page, so the key is lost on reload.
  }
  return key;
}

/** Whether a fragment signs a page in. */
export function signsIn(hash: string): boolean {
  return FRAGMENT.test(hash);
}

/** Exchanges a one-time code for the key; null if it is used up. */
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
