/** What formatting may cost. Beyond it, text is shown as it is. */

/** Block containers within each other, in the tree. */
export const MAX_DEPTH = 32;
/** Nodes of one block. Drawing as many takes about 100 ms. */
export const MAX_NODES = 1200;
/** Length of a formula, UTF-16 units. A longer one is shown as its source. */
export const MAX_FORMULA = 5000;
/** Markers of quotes and lists at the beginning of a line. */
const MAX_MARKERS = 64;

const MARKERS = /^(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))+/u;
const MARKER = />|[-+*]|\d{1,9}[.)]/gu;

/** Offset of the first line that begins with too many markers; -1 without one. The parser would nest as deeply. */
export function tooDeepFrom(text: string): number {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    // Markers of this many levels need as many characters.
    const line = text.slice(start, Math.min(end < 0 ? text.length : end, start + 4000));
    const markers = line.length > MAX_MARKERS ? MARKERS.exec(line)?.[0] : undefined;
    if (markers !== undefined && (markers.match(MARKER)?.length ?? 0) > MAX_MARKERS) return start;
    if (end < 0) return -1;
    start = end + 1;
  }
  return -1;
}
