/** Where a text was found. */
import { cutText, endOfText } from '../../cut-text.ts';
import type { SearchHit } from './chat.ts';

/** How much is shown before and after a hit, UTF-16 units: less before, so that a narrow list shows the hit. */
export const BEFORE = 24;
export const AFTER = 60;

/** Normalises texts and queries for comparison. Line breaks would end the line. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the separators of the file
  return text.toLowerCase().replace(/[\x00-\x02\n]/g, '\x02');
}

/** A hit in a text as it was written; null if the text does not contain the query. */
export function exactHit(turn: string, text: string, query: string): SearchHit | null {
  const lower = plain(text);
  const wanted = plain(query);
  // A few characters have another length in lower case.
  const source = lower.length === text.length ? text : lower;
  const at = lower.indexOf(wanted);
  if (at < 0) return null;
  const end = at + wanted.length;
  return { turn, ...around(source.slice(0, at), source.slice(at, end), source.slice(end)) };
}

/** Shortens what is around a match, on one line. */
export function around(before: string, match: string, after: string): Omit<SearchHit, 'turn'> {
  // oxlint-disable-next-line no-control-regex -- stands for a line break
  const line = (text: string) => text.replace(/[\x00-\x02\s]+/g, ' ');
  // Where the index cut the bytes of a character, there is a replacement character.
  const start = line(endOfText(before, BEFORE)).replace(/^\ufffd+/u, '');
  const rest = line(cutText(after, AFTER)).replace(/\ufffd+$/u, '');
  return {
    before: before.length > BEFORE ? `…${start}` : start.trimStart(),
    match: line(match),
    after: after.length > AFTER ? `${rest}…` : rest.trimEnd(),
  };
}
