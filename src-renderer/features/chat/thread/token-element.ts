/** How far to look for a token that has an element, in tokens. */
const NEARBY = 32;

/** The element of a token. Markdown's syntax has none: then that of the nearest token, preferably the one before. */
export function tokenElement(body: HTMLElement, index: number): HTMLElement | null {
  for (let distance = 0; distance <= NEARBY; distance++) {
    for (const at of [index - distance, index + distance]) {
      const element = body.querySelector<HTMLElement>(`[data-index="${at}"]`);
      if (element !== null) return element;
    }
  }
  return null;
}
