import { CharSet } from '../regex/char-set.ts';
import { replaceCharacters } from './characters.ts';
import { sequenceNormalizer, type Normalizer } from './normalizer.ts';

/** Control characters that are removed. */
const REMOVED = CharSet.of([
  [0x01, 0x08],
  [0x0b, 0x0b],
  [0x0e, 0x1f],
  [0x7f, 0x7f],
  [0x8f, 0x8f],
  [0x9f, 0x9f],
]);

/** Characters that become a space. */
const SPACES = CharSet.of([
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x1680, 0x1680],
  [0x200b, 0x200f],
  [0x2028, 0x2029],
  [0x2581, 0x2581],
  [0xfeff, 0xfeff],
  [0xfffd, 0xfffd],
]);

/** Nmt: the clean-up of SentencePiece's rules for machine translation. */
export const nmtNormalizer: Normalizer = sequenceNormalizer([
  replaceCharacters(() => REMOVED, ''),
  replaceCharacters(() => SPACES, ' '),
]);
