import type { MergeRank } from '../token-merges.ts';

/** A token within a word: UTF-16 range `[start, end)` of the word. */
export interface WordToken {
  id: number;
  start: number;
  end: number;
}

/** Turns one word into tokens. */
export type WordTokenizer = (word: string) => readonly WordToken[];

export interface TokenModel {
  readonly unkTokenId: number | null;
  readonly tokenize: WordTokenizer;
  /** Absent if the model has no merges. */
  readonly mergeRank?: MergeRank;
  /** Prefix of pieces inside a word (WordPiece). */
  readonly continuingPrefix?: string;
}
