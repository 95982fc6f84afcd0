import { CharSet, type CodePointRange } from './char-set.ts';

/** Sets of more code points than this are not searched for letters. */
const MANY = 2000;

/**
 * The set with the other case of each of its letters. Tokenizers use only ASCII words inside `(?i:...)`.
 * @returns null when it has non-ASCII letters, whose cases are unknown here
 */
export function ignoringCase(set: CharSet): CharSet | null {
  const ranges: CodePointRange[] = [];
  for (const [first, last] of set.ranges) {
    if (last - first > MANY) return null;
    for (let codePoint = first; codePoint <= last; codePoint++) {
      const variants = caseVariants(codePoint);
      if (!variants) return null;
      ranges.push(...variants.map((variant): CodePointRange => [variant, variant]));
    }
  }
  return CharSet.of(ranges);
}

/** Code points that differ from an ASCII one in case only (Unicode's simple folding); null for other letters. */
function caseVariants(codePoint: number): number[] | null {
  const character = String.fromCodePoint(codePoint);
  const [lower, upper] = [character.toLowerCase(), character.toUpperCase()];
  if (lower === upper) return [codePoint];
  if (codePoint > 0x7f) return null;
  // The long s and the Kelvin sign fold to ASCII letters.
  const beyond = lower === 's' ? [0x17f] : lower === 'k' ? [0x212a] : [];
  return [lower.codePointAt(0)!, upper.codePointAt(0)!, ...beyond];
}
