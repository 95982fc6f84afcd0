const NAME = 'loop';
/** Characters of syntax between two that are shown, for example a link's address. */
const MAX_SYNTAX = 2000;
/** Characters in a row that only formatting has, for example the number of a footnote. */
const MAX_ADDED = 8;

/**
 * Where the end of a shown text begins that corresponds to `raw`. Formatting leaves out characters of the raw text, such as
 * the signs of Markdown, so the two are matched backwards, without white space.
 *
 * @param shown the text on screen @param raw the end of the text that it was made of
 * @returns offset in `shown`; its length if nothing corresponds
 */
export function loopStart(shown: string, raw: string): number {
  let start = shown.length;
  let at = raw.length - 1;
  let added = 0;
  for (let index = shown.length - 1; index >= 0; index--) {
    const character = shown[index] ?? '';
    if (character.trim() === '') continue;
    const found = raw.lastIndexOf(character, at);
    if (found < 0 || found < at - MAX_SYNTAX) {
      if (++added > MAX_ADDED) break;
      continue;
    }
    start = index;
    added = 0;
    at = found - 1;
    if (at < 0) break;
  }
  return start;
}

/** Marks the end of a reply that repeats itself, without changing it, and again whenever it is drawn again. */
export function markLoop(raw: string): (body: HTMLElement) => () => void {
  return (body) => {
    if (!('highlights' in CSS)) return () => undefined;
    let marked: Range | null = null;
    const unmark = () => {
      if (marked !== null) CSS.highlights.get(NAME)?.delete(marked);
      marked = null;
    };
    const mark = () => {
      unmark();
      marked = loopRange(body, raw);
      if (marked === null) return;
      const known = CSS.highlights.get(NAME);
      if (known === undefined) CSS.highlights.set(NAME, new Highlight(marked));
      else known.add(marked);
    };
    let frame = requestAnimationFrame(mark);
    // Formatting arrives later, and switching views replaces the text.
    const observer = new MutationObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(mark);
    });
    observer.observe(body, { childList: true, subtree: true, characterData: true });
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
      unmark();
    };
  };
}

function loopRange(body: HTMLElement, raw: string): Range | null {
  const text = body.querySelector('[data-copy]');
  if (text === null) return null;
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  const nodes: Text[] = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) nodes.push(node as Text);
  let start = loopStart(nodes.map(({ data }) => data).join(''), raw);
  const first = nodes.find(({ data }) => {
    if (start < data.length) return true;
    start -= data.length;
    return false;
  });
  const last = nodes.at(-1);
  if (first === undefined || last === undefined) return null;
  const range = document.createRange();
  range.setStart(first, start);
  range.setEnd(last, last.data.length);
  return range;
}
