import { CharSet, type CodePointRange } from '../regex/char-set.ts';
import { canonicalDecomposition, lowerCaseOf } from '../unicode/normalize.ts';
import { generalCategory, whiteSpace } from '../unicode/sets.ts';

/**
 * Code points assigned after Unicode 15.1, the version of llama.cpp's tables, which treat them as unassigned and split
 * text differently there.
 */
const YOUNG = [
  '88f 897 c5c cdc 1acf-1add 1ae0-1aeb 1b4e-1b4f 1b7f 1c89-1c8a 20c1 2427-2429 2b96 31e4-31e5 a7cb-a7cf a7d2 a7d4',
  'a7da-a7dc a7f1 fbc3-fbd2 fd90-fd91 fdc8-fdce 105c0-105f3 10940-10959 10d40-10d65 10d69-10d85 10d8e-10d8f',
  '10ec2-10ec7 10ed0-10ed8 10efa-10efc 11380-11389 1138b 1138e 11390-113b5 113b7-113c0 113c2 113c5 113c7-113ca',
  '113cc-113d5 113d7-113d8 113e1-113e2 116d0-116e3 11b60-11b67 11bc0-11be1 11bf0-11bf9 11db0-11ddb 11de0-11de9 11f5a',
  '13460-143fa 16100-16139 16d40-16d79 16ea0-16eb8 16ebb-16ed3 16ff2-16ff6 187f8-187ff 18cff 18d09-18d1e 18d80-18df2',
  '1cc00-1ccfc 1cd00-1ceb3 1ceba-1ced0 1cee0-1cef0 1e5d0-1e5fa 1e5ff 1e6c0-1e6de 1e6e0-1e6f5 1e6fe-1e6ff 1f6d8',
  '1f777-1f77a 1f8b2-1f8bb 1f8c0-1f8c1 1f8d0-1f8d8 1fa54-1fa57 1fa89-1fa8a 1fa8e-1fa8f 1fabe 1fac6 1fac8 1facd 1fadc',
  '1fadf 1fae9-1faea 1faef 1fbcb-1fbef 1fbfa 2b73a-2b73f 2cea2-2cead 323b0-33479',
].join(' ');

let youngSet: CharSet | undefined;

function young(): CharSet {
  youngSet ??= CharSet.of(
    YOUNG.split(' ').map((range): CodePointRange => {
      const [first, last = first] = range.split('-').map((hex) => parseInt(hex, 16));
      return [first, last];
    }),
  );
  return youngSet;
}

function without(set: CharSet, other: CharSet): CharSet {
  return CharSet.union([set.complement(), other]).complement();
}

const classes = new Map<string, CharSet>();

/**
 * A character class as in llama.cpp (unicode.cpp): a group of general categories (`L`, `N`, `P`, `S`, `M`), white space
 * (`s`), or the letters without the ASCII letters of one case (`L-az`, `L-AZ`). It has no finer categories: `Lu` and the
 * like are all letters.
 */
export function llamaClass(name: string): CharSet {
  const known = classes.get(name);
  if (known) return known;
  const set = classOf(name);
  classes.set(name, set);
  return set;
}

function classOf(name: string): CharSet {
  if (name === 's') return whiteSpace();
  if (name === 'L-az') return without(llamaClass('L'), CharSet.of([[0x61, 0x7a]]));
  if (name === 'L-AZ') return without(llamaClass('L'), CharSet.of([[0x41, 0x5a]]));
  const category = generalCategory(name[0]);
  if (!category) throw new RangeError(`There is no class of characters ${JSON.stringify(name)}.`);
  return without(category, young());
}

/** Character properties for BERT's normalisation. */
export const CHARACTER = { space: 1, control: 2, mark: 4, punctuation: 8, symbol: 16, young: 32 } as const;

let flags: Uint8Array | undefined;

/** `[code points]`: flags of CHARACTER. */
export function characterFlags(): Uint8Array {
  if (flags) return flags;
  flags = new Uint8Array(0x110000);
  const assigned = ['Cc', 'Cf', 'Co', 'Cs'].map((name) => generalCategory(name)!);
  const sets: readonly [number, CharSet][] = [
    [CHARACTER.space, llamaClass('s')],
    [CHARACTER.control, without(CharSet.union(assigned), young())],
    [CHARACTER.mark, llamaClass('M')],
    [CHARACTER.punctuation, llamaClass('P')],
    [CHARACTER.symbol, llamaClass('S')],
    [CHARACTER.young, young()],
  ];
  for (const [flag, set] of sets) {
    for (const [first, last] of set.ranges) for (let c = first; c <= last; c++) flags[c] |= flag;
  }
  return flags;
}

/** The code point in lower case, one for one. */
export function lowerCase(codePoint: number): number {
  if (codePoint < 0x80) return codePoint >= 0x41 && codePoint <= 0x5a ? codePoint + 32 : codePoint;
  if (characterFlags()[codePoint] & CHARACTER.young) return codePoint;
  // For U+0130, whose lower case is two code points, llama.cpp uses the first.
  return lowerCaseOf(codePoint)[0];
}

/** The first code point of the canonical decomposition. llama.cpp drops the others, including the vowels of Hangul. */
export function firstOfDecomposition(codePoint: number): number {
  if (codePoint < 0x80 || characterFlags()[codePoint] & CHARACTER.young) return codePoint;
  // The one that was added between the version of the tables and llama.cpp's.
  return codePoint === 0x11938 ? 0x11935 : canonicalDecomposition(codePoint)[0];
}
