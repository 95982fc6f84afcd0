import { BYTE_CHARACTERS } from '../byte-level/alphabet.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { mergePairs } from './byte-pair.ts';
import { rangesOf } from './byte-ranges.ts';
import { MergeTable } from './merge-table.ts';
import type { TokenModel } from './model.ts';

export interface ByteLevelBpeOptions {
  readonly vocabulary: Vocabulary;
  /** `left right` per merge, best first. */
  readonly merges: Iterable<string>;
  readonly mergeCount: number;
  /** Take a word that is itself in the vocabulary whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
  readonly unkTokenId: number | null;
}

/**
 * Byte-level BPE as GPT-2 introduced it: a word's UTF-8 bytes are the first symbols. A byte that the vocabulary lacks
 * vanishes without a trace, as in llama.cpp and Hugging Face.
 */
export function byteLevelBpe({
  vocabulary,
  merges,
  mergeCount,
  ignoreMerges,
  unkTokenId,
}: ByteLevelBpeOptions): TokenModel {
  const table = new MergeTable(mergeCount);
  let rank = 0;
  for (const merge of merges) {
    // The first character may itself be a space only in vocabularies that are not byte-level.
    const space = merge.indexOf(' ', 1);
    const left = vocabulary.id(merge.slice(0, space));
    const right = vocabulary.id(merge.slice(space + 1));
    const result = vocabulary.id(merge.slice(0, space) + merge.slice(space + 1));
    if (left !== undefined && right !== undefined && result !== undefined) table.add(left, right, rank, result);
    rank++;
  }
  const byteIds = Int32Array.from(BYTE_CHARACTERS, (character) => vocabulary.id(character) ?? -1);
  const encoder = new TextEncoder();

  return {
    unkTokenId,
    tokenize(word) {
      const bytes = encoder.encode(word);
      if (ignoreMerges) {
        const whole = vocabulary.id(Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]).join(''));
        if (whole !== undefined) return [{ id: whole, start: 0, end: word.length }];
      }
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
      return rangesOf(word, ids, sizes, mergePairs(ids, sizes, count, table));
    },
  };
}
