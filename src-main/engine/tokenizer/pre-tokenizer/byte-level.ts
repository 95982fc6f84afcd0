import type { AlignedText } from '../aligned-text.ts';
import { GPT2_WORDS } from '../byte-level/gpt2-words.ts';
import { alignedByteCharacters } from '../byte-level/to-characters.ts';
import type { JsonPart } from '../json-part.ts';
import { regexPattern } from '../regex/pattern.ts';
import { wholeText, type PreTokenizer } from './pre-tokenizer.ts';
import { isolateMatches } from './split.ts';

/**
 * Passes words on as bytes, split by GPT-2's pattern unless `use_regex` is false. A byte-level model encodes the bytes
 * itself, so the words stay text here. (`trim_offsets` affects offsets that Tokenscope does not use.)
 */
export function byteLevelPreTokenizer(part: JsonPart): PreTokenizer {
  const useRegex = part.get('use_regex');
  const words = regexPattern(GPT2_WORDS);
  return {
    toBytes: true,
    ...(part.get('add_prefix_space').boolean() ? { rewrite: withPrefix(' ') } : {}),
    split: useRegex.isNull || useRegex.boolean() ? (text) => isolateMatches(text, words) : wholeText,
  };
}

/** Adds `prefix` to every text that does not begin with it. */
export function withPrefix(prefix: string): (text: AlignedText) => AlignedText {
  return (text) => (text.text.startsWith(prefix) ? text : text.replace([{ range: [0, 0], text: prefix }]));
}

/** Turns bytes into characters, for models and steps that need text. */
export const byteCharactersStep: PreTokenizer = { rewrite: alignedByteCharacters, split: wholeText };
