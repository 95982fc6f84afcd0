/** A token that is found literally in a text. */
export interface TextToken {
  readonly id: number;
  readonly text: string;
  /** Whether it includes white space before or after it. */
  readonly takesSpaceBefore?: boolean;
  readonly takesSpaceAfter?: boolean;
}

/** A range of text between tokens, or one such token: UTF-16 range `[start, end)`. */
export interface Fragment {
  readonly start: number;
  readonly end: number;
  /** Null for ordinary text. */
  readonly token: number | null;
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
 * Finds tokens in a text as llama.cpp does (`tokenizer_st_partition`): the longest first, wherever they are, then the
 * next in the rest. This is not leftmost first: of "<a" and "ab>>", the second is found in "<ab>>".
 *
 * @returns a function from a text to its fragments, left to right, none empty
 */
export function tokenFinder(tokens: readonly TextToken[]): (text: string) => Fragment[] {
  const buckets = bucketsOf(tokens);
  const positionsIn = positionFinder(buckets);
  return (text) => {
    let fragments: Fragment[] = text === '' ? [] : [{ start: 0, end: text.length, token: null }];
    const positions = positionsIn(text);
    if (positions.length === 0) return fragments;
    for (const bucket of buckets) {
      let changed = false;
      const next: Fragment[] = [];
      for (const fragment of fragments) {
        if (fragment.token !== null || !splitFragment(text, fragment, bucket, positions, next)) next.push(fragment);
        else changed = true;
      }
      if (changed) fragments = next;
    }
    return fragments;
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

/**
 * Appends the parts of `fragment` to `into`. @returns false, without appending, when it contains no token of the bucket
 */
function splitFragment(
  text: string,
  fragment: Fragment,
  bucket: Bucket,
  positions: readonly number[],
  into: Fragment[],
): boolean {
  let { start } = fragment;
  let found = false;
  for (let i = firstFrom(positions, start); i < positions.length && positions[i] < fragment.end; i++) {
    let at = positions[i];
    const token = at < start ? undefined : tokenAt(text, at, fragment.end, bucket);
    if (!token) continue;
    found = true;
    let before = at;
    if (token.takesSpaceBefore) while (before > start && isSpace(text.charCodeAt(before - 1))) before--;
    if (before > start) into.push({ start, end: before, token: null });
    at += token.text.length;
    into.push({ start: at - token.text.length, end: at, token: token.id });
    if (token.takesSpaceAfter) while (at < fragment.end && isSpace(text.charCodeAt(at))) at++;
    start = at;
  }
  if (found && start < fragment.end) into.push({ start, end: fragment.end, token: null });
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
  text: string,
  at: number,
  end: number,
  { tokens, lengths, beginnings }: Bucket,
): TextToken | undefined {
  const first = text.charCodeAt(at);
  const pair = first * 0x10000 + (at + 1 < end ? text.charCodeAt(at + 1) : 0);
  if (!beginnings.has(pair) && !beginnings.has(-first - 1)) return undefined;
  for (const length of lengths) {
    const token = at + length <= end ? tokens.get(text.slice(at, at + length)) : undefined;
    if (token) return token;
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
