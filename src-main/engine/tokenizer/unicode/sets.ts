import { CharSet, type CodePointRange } from '../regex/char-set.ts';
import { SCRIPT_NAMES, SCRIPT_RUNS } from './scripts.ts';
import {
  ALPHABETIC_SYMBOLS,
  BERT_ACCENTS,
  BERT_CONTROLS,
  BERT_PUNCTUATION,
  GENERAL_CATEGORY_RUNS,
  MARKS_9,
  MARKS_NOT_ALPHABETIC,
  OTHER_LOWERCASE,
  OTHER_UPPERCASE,
  WHITE_SPACE,
} from './tables.ts';

/** Ranges by name, from runs over all of Unicode; a run may have several names or none. */
function readRuns(table: string, read: (run: string) => { names: readonly string[]; length: number }) {
  const found = new Map<string, CodePointRange[]>();
  let codePoint = 0;
  for (const run of table.split(' ')) {
    const { names, length } = read(run);
    for (const name of names) {
      const ranges = found.get(name) ?? [];
      ranges.push([codePoint, codePoint + length - 1]);
      found.set(name, ranges);
    }
    codePoint += length;
  }
  return found;
}

let categories: Map<string, CodePointRange[]> | undefined;

/** Ranges by general category, under the two-letter name (`Lu`) and the group's letter (`L`). */
function generalCategories(): Map<string, CodePointRange[]> {
  categories ??= readRuns(GENERAL_CATEGORY_RUNS, (run) => ({
    names: [run.slice(0, 2), run.slice(0, 1)],
    length: parseInt(run.slice(2), 36),
  }));
  return categories;
}

let scripts: Map<string, CodePointRange[]> | undefined;

function scriptRanges(): Map<string, CodePointRange[]> {
  const names = SCRIPT_NAMES.split(' ');
  scripts ??= readRuns(SCRIPT_RUNS, (run) => {
    const [number, length] = run.split('.');
    return { names: number === '' ? [] : [plain(names[parseInt(number, 36)])], length: parseInt(length, 36) };
  });
  return scripts;
}

function fromGaps(table: string): CharSet {
  const numbers = table.split(' ').map((n) => parseInt(n, 36));
  const ranges: CodePointRange[] = [];
  let codePoint = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const first = codePoint + numbers[i]!;
    codePoint = first + numbers[i + 1]!;
    ranges.push([first, codePoint - 1]);
  }
  return CharSet.of(ranges);
}

const sets = new Map<string, CharSet>();

function remember(name: string, make: () => CharSet): CharSet {
  const known = sets.get(name);
  if (known) return known;
  const set = make();
  sets.set(name, set);
  return set;
}

/** The code points of a general category (`Lu`) or a group of them (`L`); undefined for any other name. */
export function generalCategory(name: string): CharSet | undefined {
  const ranges = generalCategories().get(name);
  return ranges && remember(name, () => CharSet.of(ranges));
}

function union(names: readonly string[]): CharSet {
  return CharSet.of(names.flatMap((name) => generalCategories().get(name) ?? []));
}

const without = (set: CharSet, other: CharSet) => CharSet.union([set.complement(), other]).complement();

/** Oniguruma's `\w` inside `[...]`: Alphabetic, marks, decimal digits and connector punctuation. */
export const wordCharacters = () =>
  remember('\\w', () => CharSet.union([union(['L', 'Nl', 'M', 'Nd', 'Pc']), fromGaps(ALPHABETIC_SYMBOLS)]));

/**
 * What Oniguruma's `\w` matches outside `[...]`, where its table for Latin-1 also counts superscripts and fractions as
 * word characters.
 */
export const wordCharactersOutsideSets = () =>
  remember('\\w outside sets', () =>
    CharSet.union([wordCharacters(), CharSet.of([...'²³¹¼½¾'].map((c) => [c.codePointAt(0)!, c.codePointAt(0)!]))]),
  );

/** `\w` of Rust's regular expressions: Oniguruma's with the two joiners. */
export const rustWordCharacters = () =>
  remember('\\w in Rust', () => CharSet.union([wordCharacters(), CharSet.of([[0x200c, 0x200d]])]));

/** Oniguruma's `\s`: White_Space. */
export const whiteSpace = () => remember('\\s', () => fromGaps(WHITE_SPACE));

/** Oniguruma's `\d`: decimal digits of every script. */
export const decimalDigits = () => remember('\\d', () => union(['Nd']));

/** Rust's `char::is_numeric`: category N of Unicode 17.0, one version ahead of the other tables. */
export const numericCharacters = () =>
  remember('numeric', () =>
    CharSet.union([
      union(['N']),
      CharSet.of([
        [0x11de0, 0x11de9],
        [0x16ff4, 0x16ff6],
      ]),
    ]),
  );

const asciiPunctuation = () =>
  CharSet.of([
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ]);

/** What BERT's rules call punctuation: all of ASCII's and Unicode's. */
export const bertPunctuation = () =>
  remember('BERT punctuation', () => CharSet.union([asciiPunctuation(), fromGaps(BERT_PUNCTUATION)]));

/** Control characters that BERT's clean-up removes. */
export const bertControls = () =>
  remember('BERT controls', () =>
    without(
      CharSet.union([fromGaps(BERT_CONTROLS), CharSet.single(0xfffd)]),
      CharSet.of([
        [0x09, 0x0a],
        [0x0d, 0x0d],
      ]),
    ),
  );

/** Marks that are removed when BERT strips accents. */
export const bertAccents = () => remember('BERT accents', () => fromGaps(BERT_ACCENTS));

/** Marks that StripAccents removes: all of them. */
export const combiningMarks = () => remember('marks', () => fromGaps(MARKS_9));

const alphabetic = () =>
  without(CharSet.union([union(['L', 'Nl', 'M']), fromGaps(ALPHABETIC_SYMBOLS)]), fromGaps(MARKS_NOT_ALPHABETIC));
const unassigned = () => union(['Cc', 'Cn', 'Cs']);

/** Oniguruma's names for sets that are neither categories nor scripts, as `\p{...}` and (the POSIX ones) `[[:...:]]`. */
const NAMED: Readonly<Record<string, () => CharSet>> = {
  any: () => CharSet.of([[0, 0x10ffff]]),
  ascii: () => CharSet.of([[0, 0x7f]]),
  alpha: alphabetic,
  alphabetic,
  alnum: () => CharSet.union([alphabetic(), decimalDigits()]),
  blank: () => CharSet.union([union(['Zs']), CharSet.single(0x09)]),
  cntrl: () => union(['Cc']),
  digit: decimalDigits,
  graph: () => CharSet.union([unassigned(), whiteSpace()]).complement(),
  lower: () => CharSet.union([union(['Ll']), fromGaps(OTHER_LOWERCASE)]),
  lowercase: () => CharSet.union([union(['Ll']), fromGaps(OTHER_LOWERCASE)]),
  print: () => without(unassigned().complement(), CharSet.of([[0x2028, 0x2029]])),
  punct: () => union(['P']),
  space: whiteSpace,
  upper: () => CharSet.union([union(['Lu']), fromGaps(OTHER_UPPERCASE)]),
  uppercase: () => CharSet.union([union(['Lu']), fromGaps(OTHER_UPPERCASE)]),
  whitespace: whiteSpace,
  word: wordCharactersOutsideSets,
  xdigit: () =>
    CharSet.of([
      [0x30, 0x39],
      [0x41, 0x46],
      [0x61, 0x66],
    ]),
};

const LONG_CATEGORY_NAMES: Readonly<Record<string, string>> = {
  letter: 'L',
  uppercaseletter: 'Lu',
  lowercaseletter: 'Ll',
  titlecaseletter: 'Lt',
  modifierletter: 'Lm',
  otherletter: 'Lo',
  mark: 'M',
  nonspacingmark: 'Mn',
  spacingmark: 'Mc',
  enclosingmark: 'Me',
  number: 'N',
  decimalnumber: 'Nd',
  letternumber: 'Nl',
  othernumber: 'No',
  punctuation: 'P',
  symbol: 'S',
  separator: 'Z',
  other: 'C',
  control: 'Cc',
  format: 'Cf',
};

/** Oniguruma ignores case, spaces, hyphens and underscores in names. */
function plain(name: string): string {
  return name.replaceAll(/[\s_-]/g, '').toLowerCase();
}

/**
 * The set that Oniguruma calls `\p{name}`: a general category, a script or a POSIX name; undefined when there is none.
 */
export function property(name: string): CharSet | undefined {
  const key = plain(name);
  const category = generalCategory(LONG_CATEGORY_NAMES[key] ?? key.charAt(0).toUpperCase() + key.slice(1));
  if (category) return category;
  if (Object.hasOwn(NAMED, key)) return remember(key, NAMED[key]);
  const script = scriptRanges().get(key);
  return script && remember(`script ${key}`, () => CharSet.of(script));
}

/** The set of a POSIX bracket. `[[:punct:]]` includes symbols, unlike `\p{Punct}`. */
export function posixBracket(name: string): CharSet | undefined {
  const posix = ['alnum', 'alpha', 'ascii', 'blank', 'cntrl', 'digit', 'graph', 'lower', 'print', 'space', 'upper'];
  if (name === 'punct') return union(['P', 'S']);
  if (name === 'word') return wordCharacters();
  return [...posix, 'xdigit'].includes(name) ? property(name) : undefined;
}
