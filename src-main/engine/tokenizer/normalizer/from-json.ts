import type { JsonPart } from '../json-part.ts';
import { nfcNormalizer } from './nfc.ts';
import type { Normalizer } from './normalizer.ts';
import { replaceNormalizer } from './replace.ts';

const NORMALIZERS: Record<string, (part: JsonPart) => Normalizer> = {
  NFC: () => nfcNormalizer,
  Replace: replaceNormalizer,
  Sequence: (part) => sequenceNormalizer(part.get('normalizers').items().map(normalizerFromJson)),
};

function sequenceNormalizer(normalizers: readonly Normalizer[]): Normalizer {
  return { normalize: (text) => normalizers.reduce((current, next) => next.normalize(current), text) };
}

/** The `normalizer` of a tokenizer file; null leaves texts as they are. */
export function normalizerFromJson(part: JsonPart): Normalizer {
  if (part.isNull) return sequenceNormalizer([]);
  return part.get('type').choose(NORMALIZERS)(part);
}
