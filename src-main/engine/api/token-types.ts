/** Tokens, and what the tokenizer's calls take and give. */

/** What a token is to its tokenizer: `byte` is one byte of a character that has no token of its own. */
export type TokenKind = 'normal' | 'control' | 'user_defined' | 'byte' | 'unknown' | 'unused';

/** What a token is, wherever it stands. */
export interface TokenInfo {
  id: number;
  piece: string;
  /** UTF-8 bytes that the token stands for inside a text; they may be part of a character. */
  bytes: number[];
  kind: TokenKind;
  special: boolean;
  /** Unknown to the vocabulary: decodes to nothing. */
  unknown: boolean;
}

/** A token in a text. */
export interface TokenPiece extends TokenInfo {
  /** UTF-16 range of the input this token stands for; null for tokens that the template added. */
  range: [number, number] | null;
}

export interface TokenizeParams {
  text: string;
  /** Default true. */
  addBos: boolean;
  /** Read `<EOS>` in the text as the token instead of as text. Default false. */
  parseSpecial: boolean;
}

/** A text's tokens, packed: a megabyte has hundreds of thousands, and they travel between threads. */
export interface Tokenized {
  ids: number[];
  /** `[ids, 2]`: start and end of each token in the text, UTF-16; -1 and -1 for tokens that were added. */
  ranges: Int32Array;
  /** Each id that occurs, once. */
  vocabulary: Map<number, TokenInfo>;
}

export interface Detokenized {
  text: string;
  /** The vocabulary's own piece of each id, markers included. */
  pieces: string[];
}
