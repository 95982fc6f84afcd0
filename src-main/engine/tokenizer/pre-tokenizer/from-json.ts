import type { JsonPart } from '../json-part.ts';
import type { Range } from '../regex/pattern.ts';
import { byteLevelPreTokenizer } from './byte-level.ts';
import { digitsPreTokenizer } from './digits.ts';
import type { PreTokenizer } from './pre-tokenizer.ts';
import { splitPreTokenizer } from './split.ts';

const PRE_TOKENIZERS: Record<string, (part: JsonPart) => PreTokenizer> = {
  Split: splitPreTokenizer,
  ByteLevel: byteLevelPreTokenizer,
  Digits: digitsPreTokenizer,
  Sequence: (part) => {
    const parts = part.get('pretokenizers').items();
    const steps = parts.map(preTokenizerFromJson);
    const bytesFrom = steps.findIndex((step) => step.toBytes);
    if (bytesFrom !== -1 && bytesFrom !== steps.length - 1) {
      // The later steps would have to see the bytes' characters instead of the text's.
      throw parts[bytesFrom].get('type').unsupported('"ByteLevel" before other steps');
    }
    return sequencePreTokenizer(steps);
  },
};

/** Each pre-tokenizer splits every word that the one before left, and sees nothing of the text around it. */
function sequencePreTokenizer(preTokenizers: readonly PreTokenizer[]): PreTokenizer {
  return {
    toBytes: preTokenizers.some((step) => step.toBytes),
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
