/** The key of the web host, as a page gets and keeps it. */

const STORED = 'tokenscope-key';
/** What the terminal printed after the address, and nothing else. */
const FRAGMENT = /^#key=([\w-]+)$/;

/** What is used of `window`. */
export interface KeyPlace {
  readonly location: { readonly hash: string; readonly pathname: string; readonly search: string };
  readonly history: { replaceState(state: unknown, unused: string, url: string): void };
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem'>;
}

/**
 * The key from the address, which loses it at once so that it stays in no bookmark and on no picture; after a reload the
 * one that this tab has kept. Null: neither has one.
 */
export function takeWebKey(place: KeyPlace): string | null {
  const given = keyIn(place.location.hash);
  if (given === null) return stored(place);
  const { pathname, search } = place.location;
  place.history.replaceState(null, '', `${pathname}${search}`);
  try {
    place.sessionStorage.setItem(STORED, given);
  } catch {
    // The browser keeps nothing for this page: the key lasts until it is reloaded.
  }
  return given;
}

/** The key in a fragment (`#key=…`); null: it holds none. */
export function keyIn(hash: string): string | null {
  return FRAGMENT.exec(hash)?.[1] ?? null;
}

function stored({ sessionStorage }: KeyPlace): string | null {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}
