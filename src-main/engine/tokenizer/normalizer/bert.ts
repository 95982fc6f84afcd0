import type { JsonPart } from '../json-part.ts';
import { CharSet } from '../regex/char-set.ts';
import { bertAccents, bertControls, whiteSpace } from '../unicode/sets.ts';
import { characterFinder, replaceCharacters } from './characters.ts';
import { sequenceNormalizer, type Normalizer } from './normalizer.ts';
import { formNormalizer, lowercase } from './unicode.ts';

/** The blocks that Hugging Face's code lists, which omits U+2B820 to U+2B91F. */
const CHINESE = CharSet.of([
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xf900, 0xfaff],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b920, 0x2ceaf],
  [0x2f800, 0x2fa1f],
]);

const findChinese = characterFinder(() => CHINESE);

/** Spaces around every Chinese character, which make it a separate word. */
const spaceChinese: Normalizer = {
  normalize: (aligned) =>
    aligned.replace(
      Array.from(findChinese(aligned.text), ({ 0: character, index }) => [
        { range: [index, index] as const, text: ' ' },
        { range: [index + character.length, index + character.length] as const, text: ' ' },
      ]).flat(),
    ),
};

const cleanText = sequenceNormalizer([replaceCharacters(bertControls, ''), replaceCharacters(whiteSpace, ' ')]);
const withoutAccents = sequenceNormalizer([formNormalizer('NFD'), replaceCharacters(bertAccents, '')]);

/** BertNormalizer: the clean-up before BERT's pre-tokenizer. `strip_accents` defaults to `lowercase`. */
export function bertNormalizer(part: JsonPart): Normalizer {
  const lower = part.get('lowercase').boolean();
  const strip = part.get('strip_accents');
  return sequenceNormalizer([
    ...(part.get('clean_text').boolean() ? [cleanText] : []),
    ...(part.get('handle_chinese_chars').boolean() ? [spaceChinese] : []),
    ...((strip.isNull ? lower : strip.boolean()) ? [withoutAccents] : []),
    ...(lower ? [lowercase] : []),
  ]);
}
