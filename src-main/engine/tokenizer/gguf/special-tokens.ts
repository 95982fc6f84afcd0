import type { Section } from '../base-tokenizer.ts';
import type { StaysText } from '../tokenizer.ts';

/** A token that is found literally in a text. */
export interface TextToken {
  readonly id: number;
  readonly text: string;
  /** Whether it includes white space before or after it. */
  readonly takesSpaceBefore?: boolean;
  readonly takesSpaceAfter?: boolean;
}

/** Cuts a text at the tokens in it: sections left to right, none empty, and between two of text always a token. */
export type TokenFinder = (text: string, staysText?: StaysText) => Section[];

interface Search {
  readonly text: string;
  /** Where a token may begin, ascending. */
  readonly positions: readonly number[];
  readonly staysText: StaysText | undefined;
}

/** All tokens of one length in bytes, by text. */
interface Bucket {
  readonly tokens: ReadonlyMap<string, TextToken>;
  /** Their UTF-16 lengths. */
  readonly lengths: readonly number[];
  /** The first two UTF-16 units of each, as one number; one unit for tokens with only one. */
  readonly beginnings: ReadonlySet<number>;
}

/** C's isspace. */
const isSpace = (unit: number) => unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);

/**
 * Finds tokens in a text as llama.cpp does (`tokenizer_st_partition`): the longest first, wherever they are, then the next
 * in what is left. That is not the leftmost first: of "<a" and "ab>>", the second is found in "<ab>>".
 */
export function tokenFinder(tokens: readonly TextToken[]): TokenFinder {
  const buckets = bucketsOf(tokens);
  const positionsIn = positionFinder(buckets);
  return (text, staysText) => {
    let sections: Section[] = text === '' ? [] : [{ start: 0, end: text.length, tokenId: null }];
    const positions = positionsIn(text);
    if (positions.length === 0) return sections;
    const search = { text, positions, staysText };
    for (const bucket of buckets) {
      let changed = false;
      const next: Section[] = [];
      for (const section of sections) {
        if (section.tokenId !== null || !splitSection(search, section, bucket, next)) next.push(section);
        else changed = true;
      }
      if (changed) sections = next;
    }
    return sections;
  };
}

/**
 * Finds all positions where a token may begin, ascending: there are about 60 buckets, and few such positions in a text.
 */
function positionFinder(buckets: readonly Bucket[]): (text: string) => number[] {
  const beginnings = new Set(buckets.flatMap((bucket) => [...bucket.beginnings]));
  const first = new Uint8Array(0x10000);
  for (const beginning of beginnings) first[beginning < 0 ? -beginning - 1 : Math.floor(beginning / 0x10000)] = 1;
  return (text) => {
    const positions: number[] = [];
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (first[unit] === 0) continue;
      const pair = unit * 0x10000 + (at + 1 < text.length ? text.charCodeAt(at + 1) : 0);
      if (beginnings.has(pair) || beginnings.has(-unit - 1)) positions.push(at);
    }
    return positions;
  };
}

/** Appends the parts of `section` to `into`. @returns false, without appending, when it contains no token of the bucket */
function splitSection(search: Search, section: Section, bucket: Bucket, into: Section[]): boolean {
  const { text, positions } = search;
  let { start } = section;
  let found = false;
  for (let i = firstFrom(positions, start); i < positions.length && positions[i] < section.end; i++) {
    let at = positions[i];
    const token = at < start ? undefined : tokenAt(search, at, section.end, bucket);
    if (!token) continue;
    found = true;
    let before = at;
    if (token.takesSpaceBefore) while (before > start && isSpace(text.charCodeAt(before - 1))) before--;
    if (before > start) into.push({ start, end: before, tokenId: null });
    at += token.text.length;
    into.push({ start: at - token.text.length, end: at, tokenId: token.id });
    if (token.takesSpaceAfter) while (at < section.end && isSpace(text.charCodeAt(at))) at++;
    start = at;
  }
  if (found && start < section.end) into.push({ start, end: section.end, tokenId: null });
  return found;
}

/** Index of the first of ascending numbers that is not below `least`. */
function firstFrom(numbers: readonly number[], least: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function tokenAt(
  { text, staysText }: Search,
  at: number,
  end: number,
  { tokens, lengths, beginnings }: Bucket,
): TextToken | undefined {
  const first = text.charCodeAt(at);
  const pair = first * 0x10000 + (at + 1 < end ? text.charCodeAt(at + 1) : 0);
  if (!beginnings.has(pair) && !beginnings.has(-first - 1)) return undefined;
  for (const length of lengths) {
    const token = at + length <= end ? tokens.get(text.slice(at, at + length)) : undefined;
    if (token && !staysText?.(token.id, at, at + length)) return token;
  }
  return undefined;
}

/** Longest first. */
function bucketsOf(tokens: readonly TextToken[]): Bucket[] {
  const encoder = new TextEncoder();
  const byLength = new Map<number, Map<string, TextToken>>();
  for (const token of tokens) {
    const length = encoder.encode(token.text).length;
    if (length === 0) continue;
    const bucket = byLength.get(length) ?? new Map<string, TextToken>();
    if (!bucket.has(token.text)) bucket.set(token.text, token);
    byLength.set(length, bucket);
  }
  return [...byLength]
    .sort(([a], [b]) => b - a)
    .map(([, found]) => ({
      tokens: found,
      lengths: [...new Set([...found.keys()].map((text) => text.length))],
      beginnings: new Set(
        [...found.keys()].map((text) =>
          text.length === 1 ? -text.charCodeAt(0) - 1 : text.charCodeAt(0) * 0x10000 + text.charCodeAt(1),
        ),
      ),
    }));
}
