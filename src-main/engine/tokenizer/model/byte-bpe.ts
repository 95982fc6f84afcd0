import { BYTE_CHARACTERS } from '../byte-level/alphabet.ts';
import { byteCharacters } from '../byte-level/to-characters.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { mergePairs } from './byte-pair.ts';
import { rangesOf } from './byte-ranges.ts';
import type { MergeTable } from './merge-table.ts';
import type { TokenModel } from './model.ts';

export interface ByteBpeOptions {
  readonly vocabulary: Vocabulary;
  /** Whether an id is the model's own; added tokens are in the vocabulary too. */
  readonly isOwn: (id: number) => boolean;
  readonly merges: MergeTable;
  /** Take a word that is itself in the vocabulary whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
  readonly unkTokenId: number | null;
}

/**
 * Byte-level BPE as GPT-2 introduced it: a word's UTF-8 bytes are the first symbols. A byte that the vocabulary lacks
 * vanishes without a trace, as in Hugging Face.
 */
export function byteBpe({ vocabulary, isOwn, merges, ignoreMerges, unkTokenId }: ByteBpeOptions): TokenModel {
  const byteIds = Int32Array.from(BYTE_CHARACTERS, (character) => vocabulary.id(character) ?? -1);
  const encoder = new TextEncoder();
  return {
    unkTokenId,
    tokenize(word) {
      if (ignoreMerges) {
        const whole = vocabulary.id(byteCharacters(word));
        if (whole !== undefined && isOwn(whole)) return [{ id: whole, start: 0, end: word.length }];
      }
      const bytes = encoder.encode(word);
      const ids = new Int32Array(bytes.length);
      const sizes = new Int32Array(bytes.length);
      let count = 0;
      let vanished = 0;
      for (const byte of bytes) {
        const id = byteIds[byte];
        if (id === -1) vanished++;
        else {
          ids[count] = id;
          sizes[count++] = 1 + vanished;
          vanished = 0;
        }
      }
      return rangesOf(word, ids, sizes, mergePairs(ids, sizes, count, merges));
    },
  };
}
