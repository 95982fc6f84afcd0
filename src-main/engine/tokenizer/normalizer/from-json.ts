import { alignedByteCharacters } from '../byte-level/to-characters.ts';
import type { JsonPart } from '../json-part.ts';
import { bertNormalizer } from './bert.ts';
import { stripAccents } from './characters.ts';
import { nmtNormalizer } from './nmt.ts';
import { sequenceNormalizer, type Normalizer } from './normalizer.ts';
import { prependNormalizer, replaceNormalizer } from './replace.ts';
import { stripNormalizer } from './strip.ts';
import { formNormalizer, lowercase } from './unicode.ts';

const NORMALIZERS: Record<string, (part: JsonPart) => Normalizer> = {
  BertNormalizer: bertNormalizer,
  ByteLevel: () => ({ normalize: alignedByteCharacters }),
  Lowercase: () => lowercase,
  NFC: () => formNormalizer('NFC'),
  NFD: () => formNormalizer('NFD'),
  NFKC: () => formNormalizer('NFKC'),
  NFKD: () => formNormalizer('NFKD'),
  Nmt: () => nmtNormalizer,
  Prepend: prependNormalizer,
  Replace: replaceNormalizer,
  Sequence: (part) => sequenceNormalizer(part.get('normalizers').items().map(normalizerFromJson)),
  Strip: stripNormalizer,
  StripAccents: () => stripAccents,
};

/** The `normalizer` of a tokenizer file; null leaves texts unchanged. */
export function normalizerFromJson(part: JsonPart): Normalizer {
  if (part.isNull) return sequenceNormalizer([]);
  return part.get('type').choose(NORMALIZERS)(part);
}
