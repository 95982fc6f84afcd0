import type { WordToken } from '../model/model.ts';

/** Turns a stretch of text between special tokens into tokens, with UTF-16 ranges of the stretch. */
export interface GgufModel {
  /** @param afterToken nothing, or a special token, stands before the stretch */
  tokenize(text: string, afterToken: boolean): WordToken[];
}

/** Strings in one block of UTF-8: string i lies in bytes offsets[i]..offsets[i + 1]. */
export interface Utf8Strings {
  readonly length: number;
  readonly blob: Uint8Array;
  readonly offsets: Uint32Array;
}

/** SentencePiece writes spaces as U+2581. */
export const SPACE = '▁';
