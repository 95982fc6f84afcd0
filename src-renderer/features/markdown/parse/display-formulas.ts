/**
 * Display formulas over several lines, `$$ … $$` and `\[ … \]`, with lines that look like blocks: `= b`, `- c`, an empty
 * line. Their ends are looked for in the source, before micromark reads their lines: it cannot take that back.
 */
import { MAX_FORMULA } from './limits.ts';

const CLOSING: ReadonlyMap<string, string> = new Map([
  ['$$', '$$'],
  ['\\[', '\\]'],
]);
const QUOTE = /^ {0,3}> ?/u;
/** Up to a delimiter that begins the content of a line. */
const BEFORE_OPENING = /^(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*(?=\$\$|\\\[)/gmu;
/** A line that may not continue a paragraph. */
const BLOCK_LIKE = /^[ \t]*(?:[-+*=>#<_`~|:]|\d{1,9}[.)]|\[\^)/u;

/**
 * Where a display formula ends that would not stay in one paragraph, after its delimiter.
 *
 * @param at offset of what may be its first delimiter, with which the content of its line begins
 * @returns null if there is none; Infinity if the text ends before it
 */
export function formulaEnd(source: string, at: number): number | null {
  const opening = source.slice(at, at + 2);
  const closing = CLOSING.get(opening);
  if (closing === undefined || source.startsWith('$$$', at)) return null;
  const containers = containersOf(source.slice(source.lastIndexOf('\n', at) + 1, at));
  if (containers === null) return null;
  let [isBare, hasBlankLine, isBlockLike] = [false, false, false];
  for (let from = at + 2, first = true; from - at < MAX_FORMULA; first = false) {
    const lineEnd = source.indexOf('\n', from);
    const line = source.slice(from, lineEnd < 0 ? source.length : lineEnd);
    // Nothing of this line has arrived yet.
    if (!first && lineEnd < 0 && line.trim() === '') return Infinity;
    const content = first ? line : contentIn(line, containers);
    if (content === null) return null;
    const isBlank = content.trim() === '';
    if (first) isBare = isBlank;
    else {
      hasBlankLine ||= isBlank;
      isBlockLike ||= isBlank || BLOCK_LIKE.test(content);
    }
    // With a delimiter too many, half of the text would be formulas.
    if (hasBlankLine && !isBare) return null;
    const end = endIn(content, closing);
    const again = opening === closing ? -1 : endIn(content, opening);
    if (again >= 0 && (end < 0 || again < end)) return null;
    if (end >= 0) {
      const isApart = !hasBlankLine || content.trimStart().startsWith(closing);
      return !first && isBlockLike && isApart ? from + line.length - content.length + end : null;
    }
    if (lineEnd < 0) return Infinity;
    from = lineEnd + 1;
  }
  return null;
}

/** Whether a `$$` at the beginning of a line ends a formula that began earlier in its paragraph. */
export function endsFormula(source: string, at: number): boolean {
  if (source[at] !== '$') return false;
  let delimiters = 0;
  for (let end = source.lastIndexOf('\n', at); end > 0 && at - end < MAX_FORMULA;) {
    const start = source.lastIndexOf('\n', end - 1) + 1;
    const line = source.slice(start, end);
    if (/^[ \t>]*\r?$/u.test(line)) break;
    delimiters += line.split('$$').length - 1;
    end = start - 1;
  }
  return delimiters % 2 === 1;
}

/** Offset of a formula whose end may follow the text, from which on its blocks may change; -1 without one. */
export function openFormula(source: string): number {
  const from = source.lastIndexOf('\n', source.length - MAX_FORMULA) + 1;
  let end = 0;
  for (const match of source.slice(from).matchAll(BEFORE_OPENING)) {
    const at = from + match.index + match[0].length;
    if (at < end) continue;
    const found = formulaEnd(source, at);
    if (found === Infinity && !endsFormula(source, at)) return at;
    if (found !== null && found !== Infinity) end = found;
  }
  return -1;
}

/** What must come before each line of a formula. */
interface Containers {
  quotes: number;
  /** Width of the indentation and the markers of lists after those of quotes. */
  columns: number;
}

/** @returns null for a quote within a list */
function containersOf(prefix: string): Containers | null {
  let rest = prefix;
  let quotes = 0;
  for (let marker = QUOTE.exec(rest); marker !== null; marker = QUOTE.exec(rest)) {
    rest = rest.slice(marker[0].length);
    quotes++;
  }
  return rest.includes('>') ? null : { quotes, columns: widthOf(rest) };
}

/** The end of a line that is in the same containers; null if it is not. */
function contentIn(line: string, { quotes, columns }: Containers): string | null {
  let rest = line;
  for (let quote = 0; quote < quotes; quote++) {
    const marker = QUOTE.exec(rest);
    if (marker === null) return null;
    rest = rest.slice(marker[0].length);
  }
  const indent = /^[ \t]*/u.exec(rest)?.[0] ?? '';
  return rest.trim() === '' || widthOf(indent) >= columns ? rest : null;
}

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character === '\t' ? 4 - (width % 4) : 1;
  return width;
}

/** Where a delimiter ends in a line; -1 without one. A backslash escapes what follows it, as in `maths-syntax.ts`. */
function endIn(line: string, delimiter: string): number {
  for (let at = 0; at < line.length; at++) {
    if (line.startsWith(delimiter, at)) return at + delimiter.length;
    if (line[at] === '\\') at++;
  }
  return -1;
}
