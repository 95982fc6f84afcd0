import { GPT2_WORDS } from '../byte-level/gpt2-words.ts';
import type { JsonPart } from '../json-part.ts';
import { regexPattern } from '../regex/pattern.ts';
import type { PreTokenizer } from './pre-tokenizer.ts';
import { isolateMatches } from './split.ts';

/**
 * Hands words on as bytes, after GPT-2's way of splitting them off unless `use_regex` is false. The byte-level model
 * reads the bytes itself, so the words stay text here. (`trim_offsets` is about offsets that Tokenscope does not use.)
 */
export function byteLevelPreTokenizer(part: JsonPart): PreTokenizer {
  const prefix = part.get('add_prefix_space');
  // In Hugging Face's code both are true when absent.
  if (prefix.isNull || prefix.boolean()) throw prefix.unsupported('true');
  const useRegex = part.get('use_regex');
  if (!useRegex.isNull && !useRegex.boolean()) {
    return { toBytes: true, split: (text) => (text === '' ? [] : [[0, text.length]]) };
  }
  const words = regexPattern(GPT2_WORDS);
  return { toBytes: true, split: (text) => isolateMatches(text, words) };
}
