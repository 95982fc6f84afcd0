import type { JsonPart } from '../json-part.ts';
import { regexPattern } from '../regex/pattern.ts';
import type { PreTokenizer } from './pre-tokenizer.ts';
import { isolateMatches } from './split.ts';

/** Splits numbers off, as runs or digit by digit. What counts is Rust's `char::is_numeric`: all of category N. */
export function digitsPreTokenizer(part: JsonPart): PreTokenizer {
  const digits = regexPattern(part.get('individual_digits').boolean() ? '\\p{N}' : '\\p{N}+');
  return { split: (text) => isolateMatches(text, digits) };
}
