import type { JsonPart } from '../json-part.ts';
import { CharSet } from '../regex/char-set.ts';
import { setPattern } from '../regex/pattern.ts';
import { bertPunctuation, numericCharacters, rustWordCharacters, whiteSpace } from '../unicode/sets.ts';
import type { PreTokenizer } from './pre-tokenizer.ts';
import { behaviorOf, splitByPattern } from './split.ts';

const splitAt = (set: CharSet, behavior: string): PreTokenizer['split'] =>
  splitByPattern(setPattern([set], false), behavior, false);

/** Separates numbers, as runs or digit by digit, as defined by Rust's `char::is_numeric`. */
export function digitsPreTokenizer(part: JsonPart): PreTokenizer {
  const individual = part.get('individual_digits').boolean();
  return { split: splitAt(numericCharacters(), individual ? 'Isolated' : 'Contiguous') };
}

/** Splits at white space, and then separates punctuation. */
export function bertPreTokenizer(): PreTokenizer {
  return {
    split: splitAt(whiteSpace(), 'Removed'),
    then: [{ split: splitAt(bertPunctuation(), 'Isolated') }],
  };
}

export function punctuationPreTokenizer(part: JsonPart): PreTokenizer {
  const behavior = part.get('behavior');
  return { split: splitAt(bertPunctuation(), behavior.isNull ? 'Isolated' : behaviorOf(behavior)) };
}

/** Whitespace: matches of `\w+|[^\w\s]+`, with Rust's `\w`. */
export function whitespacePreTokenizer(): PreTokenizer {
  const others = CharSet.union([rustWordCharacters(), whiteSpace()]).complement();
  return { split: splitByPattern(setPattern([rustWordCharacters(), others], true), 'Removed', true) };
}

export function whitespaceSplitPreTokenizer(): PreTokenizer {
  return { split: splitAt(whiteSpace(), 'Removed') };
}

/** Splits at one character, which is removed. */
export function delimiterPreTokenizer(part: JsonPart): PreTokenizer {
  const delimiter = part.get('delimiter');
  const [character, ...rest] = [...delimiter.string()];
  if (character === undefined || rest.length > 0) throw delimiter.malformed('must be one character');
  return { split: splitAt(CharSet.single(character.codePointAt(0) ?? 0), 'Removed') };
}
