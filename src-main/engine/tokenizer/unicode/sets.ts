import { CharSet, type CodePointRange } from '../regex/char-set.ts';
import { ALPHABETIC_SYMBOLS, GENERAL_CATEGORY_RUNS, WHITE_SPACE } from './tables.ts';

let categories: Map<string, CodePointRange[]> | undefined;

/** Ranges by general category, under the two-letter name (`Lu`) and the group's letter (`L`). */
function generalCategories(): Map<string, CodePointRange[]> {
  if (categories) return categories;
  categories = new Map();
  let codePoint = 0;
  for (const run of GENERAL_CATEGORY_RUNS.split(' ')) {
    const length = parseInt(run.slice(2), 36);
    for (const name of [run.slice(0, 2), run.slice(0, 1)]) {
      const ranges = categories.get(name) ?? [];
      ranges.push([codePoint, codePoint + length - 1]);
      categories.set(name, ranges);
    }
    codePoint += length;
  }
  return categories;
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

/** Oniguruma's `\w` inside `[...]`: Alphabetic, marks, decimal digits and connector punctuation. */
export const wordCharacters = () =>
  remember('\\w', () => CharSet.union([union(['L', 'Nl', 'M', 'Nd', 'Pc']), fromGaps(ALPHABETIC_SYMBOLS)]));

/**
 * What Oniguruma's `\w` matches outside `[...]`: there its table for Latin-1 has a say too, which counts superscripts and
 * fractions as word characters.
 */
export const wordCharactersOutsideSets = () =>
  remember('\\w outside sets', () =>
    CharSet.union([wordCharacters(), CharSet.of([...'²³¹¼½¾'].map((c) => [c.codePointAt(0)!, c.codePointAt(0)!]))]),
  );

/** Oniguruma's `\s`: White_Space. */
export const whiteSpace = () => remember('\\s', () => fromGaps(WHITE_SPACE));

/** Oniguruma's `\d`: decimal digits of every script. */
export const decimalDigits = () => remember('\\d', () => union(['Nd']));
