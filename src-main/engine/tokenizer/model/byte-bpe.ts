import { BYTE_CHARACTERS } from '../byte-level/alphabet.ts';
import { byteCharacters } from '../byte-level/to-characters.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { mergePairs } from './byte-pair.ts';
import { rangesOf } from './byte-ranges.ts';
import { type MergeTable, rankIn } from './merge-table.ts';
import type { TokenModel } from './model.ts';

export interface ByteBpeOptions {
  readonly vocabulary: Vocabulary;
  /** Whether an id belongs to the model; the vocabulary contains added tokens, too. */
  readonly isOwn: (id: number) => boolean;
  readonly merges: MergeTable;
  /** Whether a word that is in the vocabulary is one token, whatever the merges. */
  readonly ignoreMerges: boolean;
  readonly unkTokenId: number | null;
}

/**
 * Byte-level BPE as introduced by GPT-2: a word's UTF-8 bytes are the initial symbols. A byte that the vocabulary lacks
 * is silently dropped, as in Hugging Face.
 */
export function byteBpe({ vocabulary, isOwn, merges, ignoreMerges, unkTokenId }: ByteBpeOptions): TokenModel {
  const byteIds = Int32Array.from(BYTE_CHARACTERS, (character) => vocabulary.id(character) ?? -1);
  const encoder = new TextEncoder();
  return {
    unkTokenId,
    mergeRank: rankIn(vocabulary, merges),
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
