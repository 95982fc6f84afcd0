import type { JsonPart } from '../json-part.ts';
import type { Range } from '../regex/pattern.ts';
import type { PreTokenizer } from './pre-tokenizer.ts';
import { splitPreTokenizer } from './split.ts';

const PRE_TOKENIZERS: Record<string, (part: JsonPart) => PreTokenizer> = {
  Split: splitPreTokenizer,
  Sequence: (part) => sequencePreTokenizer(part.get('pretokenizers').items().map(preTokenizerFromJson)),
};

/** Each pre-tokenizer splits every word that the one before left, and sees nothing of the text around it. */
function sequencePreTokenizer(preTokenizers: readonly PreTokenizer[]): PreTokenizer {
  return {
    split: (text) =>
      preTokenizers.reduce<Range[]>(
        (words, next) =>
          words.flatMap(([from, to]) =>
            next.split(text.slice(from, to)).map(([start, end]): Range => [from + start, from + end]),
          ),
        text === '' ? [] : [[0, text.length]],
      ),
  };
}

/** The `pre_tokenizer` of a tokenizer file; null makes the whole text one word. */
export function preTokenizerFromJson(part: JsonPart): PreTokenizer {
  if (part.isNull) return sequencePreTokenizer([]);
  return part.get('type').choose(PRE_TOKENIZERS)(part);
}
