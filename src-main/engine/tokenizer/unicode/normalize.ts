import type { Replacement } from '../aligned-text.ts';
import { CharSet, type CodePointRange } from '../regex/char-set.ts';
import { toJavaScript } from '../regex/to-javascript.ts';
import { COMBINING_RANKS, COMPOSITIONS } from './compositions.ts';
import { CANONICAL, COMPATIBILITY } from './decompositions.ts';
import { LOWER_CASE } from './lower-case.ts';

export type NormalizationForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** Hangul syllables are composed by arithmetic (The Unicode Standard, section 3.12). */
const HANGUL = { syllable: 0xac00, leading: 0x1100, vowel: 0x1161, trailing: 0x11a7 } as const;
const VOWELS = 21;
const TRAILING = 28;
const SYLLABLES = 19 * VOWELS * TRAILING;

interface Tables {
  readonly canonical: ReadonlyMap<number, readonly number[]>;
  readonly compatibility: ReadonlyMap<number, readonly number[]>;
  /** By `first * 0x110000 + second`. */
  readonly compositions: ReadonlyMap<number, number>;
  /** Canonical order of marks; starters are absent. */
  readonly ranks: ReadonlyMap<number, number>;
}

let tables: Tables | undefined;

function readMapping(table: string): Map<number, number[]> {
  const mapping = new Map<number, number[]>();
  let next = 0;
  for (const word of table.split(' ')) {
    const [place, target] = word.split(':');
    const [gap, run = '1'] = place.split('*');
    const codes = target.split('.').map((n) => parseInt(n, 36));
    const first = next + parseInt(gap, 36);
    const length = parseInt(run, 36);
    for (let i = 0; i < length; i++) mapping.set(first + i, length === 1 ? codes : [codes[0] + i]);
    next = first + length;
  }
  return mapping;
}

function readRanks(): Map<number, number> {
  const ranks = new Map<number, number>();
  COMBINING_RANKS.split(' / ').forEach((gaps, rank) => {
    const numbers = gaps.split(' ').map((n) => parseInt(n, 36));
    let codePoint = 0;
    for (let i = 0; i < numbers.length; i += 2) {
      codePoint += numbers[i];
      for (let n = numbers[i + 1]; n > 0; n--) ranks.set(codePoint++, rank + 1);
    }
  });
  return ranks;
}

function formTables(): Tables {
  tables ??= {
    canonical: readMapping(CANONICAL),
    compatibility: readMapping(COMPATIBILITY),
    compositions: new Map(
      [...readMapping(COMPOSITIONS)].map(([composed, [first, second]]) => [first * 0x110000 + second, composed]),
    ),
    ranks: readRanks(),
  };
  return tables;
}

function decompose(codePoint: number, compatibly: boolean): readonly number[] {
  const syllable = codePoint - HANGUL.syllable;
  if (syllable >= 0 && syllable < SYLLABLES) {
    const trailing = syllable % TRAILING;
    const leading = HANGUL.leading + Math.floor(syllable / (VOWELS * TRAILING));
    const vowel = HANGUL.vowel + (Math.floor(syllable / TRAILING) % VOWELS);
    return trailing === 0 ? [leading, vowel] : [leading, vowel, HANGUL.trailing + trailing];
  }
  const { canonical, compatibility } = formTables();
  return (compatibly ? compatibility.get(codePoint) : undefined) ?? canonical.get(codePoint) ?? [codePoint];
}

function composePair(first: number, second: number): number | undefined {
  const leading = first - HANGUL.leading;
  const vowel = second - HANGUL.vowel;
  if (leading >= 0 && leading < 19 && vowel >= 0 && vowel < VOWELS) {
    return HANGUL.syllable + (leading * VOWELS + vowel) * TRAILING;
  }
  const syllable = first - HANGUL.syllable;
  const trailing = second - HANGUL.trailing;
  if (syllable >= 0 && syllable < SYLLABLES && syllable % TRAILING === 0 && trailing > 0 && trailing < TRAILING) {
    return first + trailing;
  }
  return formTables().compositions.get(first * 0x110000 + second);
}

/** Sorts every run of marks by rank; stable. */
function sortMarks(codes: number[]): void {
  const { ranks } = formTables();
  for (let start = 0; start < codes.length; start++) {
    if (!ranks.has(codes[start])) continue;
    let end = start;
    while (end < codes.length && ranks.has(codes[end])) end++;
    const marks = codes.slice(start, end).sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
    marks.forEach((mark, i) => (codes[start + i] = mark));
    start = end;
  }
}

function compose(codes: readonly number[]): number[] {
  const { ranks } = formTables();
  const composed: number[] = [];
  let starter = -1;
  let lastRank = 0;
  for (const code of codes) {
    const rank = ranks.get(code) ?? 0;
    // A mark combines with its starter unless one of the same or a higher rank is between them.
    const blocked = starter !== composed.length - 1 && lastRank >= rank;
    const pair = starter === -1 || blocked ? undefined : composePair(composed[starter], code);
    if (pair !== undefined) {
      composed[starter] = pair;
      continue;
    }
    composed.push(code);
    lastRank = rank;
    if (rank === 0) starter = composed.length - 1;
  }
  return composed;
}

function normalizeCluster(text: string, form: NormalizationForm): string {
  const codes: number[] = [];
  for (const character of text) codes.push(...decompose(character.codePointAt(0) ?? 0, form.startsWith('NFK')));
  sortMarks(codes);
  const result = form.endsWith('C') ? compose(codes) : codes;
  return result.map((code) => String.fromCodePoint(code)).join('');
}

const setOf = (codePoints: Iterable<number>) => CharSet.of(Array.from(codePoints, (c): CodePointRange => [c, c]));
const source = (set: CharSet) => toJavaScript({ type: 'set', set });

/** Finds what a form may change: single characters, and characters with the following ones that they may combine with. */
function clusters(form: NormalizationForm): RegExp {
  const { canonical, compatibility, compositions, ranks } = formTables();
  const compatibly = form.startsWith('NFK');
  const decomposing = [...canonical.keys(), ...(compatibly ? compatibility.keys() : [])];
  const jamo: CodePointRange[] = [[HANGUL.vowel, 0x11c2]];
  const syllables: CodePointRange[] = [[HANGUL.syllable, HANGUL.syllable + SYLLABLES - 1]];
  const composing = form.endsWith('C');
  const joins = new Set(ranks.keys());
  if (composing) for (const pair of compositions.keys()) joins.add(pair % 0x110000);
  const following = [...joins, ...decomposing.filter((c) => joins.has(decompose(c, compatibly)[0]))];
  const continuing = CharSet.union([setOf(following), CharSet.of(composing ? jamo : [])]);
  const changing = decomposing.filter(
    (c) => normalizeCluster(String.fromCodePoint(c), form) !== String.fromCodePoint(c),
  );
  const alone = CharSet.union([setOf(changing), CharSet.of(composing ? [] : syllables)]);
  const after = source(continuing);
  return new RegExp(`${source(continuing.complement())}?${after}+|${source(alone)}`, 'gu');
}

const patterns = new Map<NormalizationForm, RegExp>();

/** The replacements that bring `text` into `form`, the same in every host. */
export function normalizationReplacements(text: string, form: NormalizationForm): Replacement[] {
  const replacements: Replacement[] = [];
  if (!/[^\0-\x7f]/.test(text)) return replacements;
  const pattern = patterns.get(form) ?? clusters(form);
  patterns.set(form, pattern);
  for (const { 0: cluster, index } of text.matchAll(pattern)) {
    const normalized = normalizeCluster(cluster, form);
    if (normalized !== cluster) replacements.push({ range: [index, index + cluster.length], text: normalized });
  }
  return replacements;
}

/** The canonical decomposition of a code point, or the code point itself. */
export function canonicalDecomposition(codePoint: number): readonly number[] {
  return decompose(codePoint, false);
}

let lowerCase: ReadonlyMap<number, readonly number[]> | undefined;
let upper: RegExp | undefined;

const lowerCases = () => (lowerCase ??= readMapping(LOWER_CASE));

/** A code point in lower case, which may be two; or itself. */
export function lowerCaseOf(codePoint: number): readonly number[] {
  return lowerCases().get(codePoint) ?? [codePoint];
}

/** The replacements that make `text` lower case, each character separately (no final sigma). */
export function lowerCaseReplacements(text: string): Replacement[] {
  upper ??= new RegExp(source(setOf(lowerCases().keys())), 'gu');
  return Array.from(text.matchAll(upper), ({ 0: letter, index }) => ({
    range: [index, index + letter.length],
    text: String.fromCodePoint(...lowerCaseOf(letter.codePointAt(0) ?? 0)),
  }));
}
