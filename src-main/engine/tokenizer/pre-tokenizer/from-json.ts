import type { JsonPart } from '../json-part.ts';
import { byteCharactersStep, byteLevelPreTokenizer } from './byte-level.ts';
import { metaspacePreTokenizer } from './metaspace.ts';
import { wholeText, type PreTokenizer } from './pre-tokenizer.ts';
import { splitPreTokenizer } from './split.ts';
import {
  bertPreTokenizer,
  delimiterPreTokenizer,
  digitsPreTokenizer,
  punctuationPreTokenizer,
  whitespacePreTokenizer,
  whitespaceSplitPreTokenizer,
} from './words.ts';

type Build = (part: JsonPart) => PreTokenizer[];

const one =
  (build: (part: JsonPart) => PreTokenizer): Build =>
  (part) => [build(part)];

const PRE_TOKENIZERS: Record<string, Build> = {
  BertPreTokenizer: one(bertPreTokenizer),
  ByteLevel: one(byteLevelPreTokenizer),
  CharDelimiterSplit: one(delimiterPreTokenizer),
  Digits: one(digitsPreTokenizer),
  Metaspace: one(metaspacePreTokenizer),
  Punctuation: one(punctuationPreTokenizer),
  Sequence: (part) => part.get('pretokenizers').items().flatMap(stepsOf),
  Split: one(splitPreTokenizer),
  Whitespace: one(whitespacePreTokenizer),
  WhitespaceSplit: one(whitespaceSplitPreTokenizer),
};

function stepsOf(part: JsonPart): PreTokenizer[] {
  return part
    .get('type')
    .choose(PRE_TOKENIZERS)(part)
    .flatMap(({ then = [], ...step }) => [step, ...then]);
}

/**
 * The `pre_tokenizer` of a tokenizer file; null makes the whole text one word.
 * @param readsBytes whether the model takes words as bytes: then the last step may leave them as text and set `toBytes`
 */
export function preTokenizerFromJson(part: JsonPart, readsBytes: boolean): PreTokenizer {
  if (part.isNull) return { split: wholeText };
  const steps = stepsOf(part);
  const written = steps.flatMap(({ toBytes = false, ...step }, i): PreTokenizer[] => {
    if (!toBytes) return [step];
    return readsBytes && i === steps.length - 1 ? [{ ...step, toBytes }] : [step, byteCharactersStep];
  });
  const [first = { split: wholeText }, ...then] = written;
  return { ...first, toBytes: written.at(-1)?.toBytes ?? false, then };
}
