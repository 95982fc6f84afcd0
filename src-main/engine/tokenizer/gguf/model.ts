import type { MergeRank } from '../token-merges.ts';
import type { WordToken } from '../model/model.ts';

/** Tokenizes a range of text between special tokens. Ranges of the tokens are in UTF-16 units of it. */
export interface GgufModel {
  /** Absent if the model has no merges. */
  readonly mergeRank?: MergeRank;
  /** @param afterToken whether a special token, or nothing, precedes the text */
  tokenize(text: string, afterToken: boolean): WordToken[];
}

/** Strings in one block of UTF-8: string i is bytes offsets[i]..offsets[i + 1]. */
export interface Utf8Strings {
  readonly length: number;
  readonly blob: Uint8Array;
  readonly offsets: Uint32Array;
}

/** SentencePiece's character for spaces. */
export const SPACE = '▁';
