/** What a page does not get from a browser that blocks the data of its site. */

/** Null if it is blocked. */
export function pageStorage(
  kind: 'localStorage' | 'sessionStorage',
  page: Pick<Window, 'localStorage' | 'sessionStorage'> = globalThis,
): Storage | null {
  try {
    return page[kind] ?? null;
  } catch {
    return null;
  }
}

/** To the other tabs of this origin; null if it is blocked. */
export function openChannel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
}
