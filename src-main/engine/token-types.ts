/** Tokens, and parameters and results of the tokenizer's calls. */

/** Kind of a token: `byte` is one byte of a character that has no token of its own. */
export type TokenKind = 'normal' | 'control' | 'user_defined' | 'byte' | 'unknown' | 'unused';

/** Properties of a token, independent of the text. */
export interface TokenInfo {
  id: number;
  piece: string;
  /** UTF-8 bytes of the token inside a text; they may be part of a character. */
  bytes: number[];
  kind: TokenKind;
  special: boolean;
  /** Not in the vocabulary: decodes to nothing. */
  unknown: boolean;
}

/** A token in a text. */
export interface TokenPiece extends TokenInfo {
  /** UTF-16 range of the input for this token; null for tokens that the template added. */
  range: [number, number] | null;
}

export interface TokenizeParams {
  text: string;
  /** Default true. */
  addBos: boolean;
  /** Whether `<EOS>` in the text becomes the token instead of text. Default false. */
  parseSpecial: boolean;
}

/** A text's tokens, packed: a megabyte has hundreds of thousands, and they are passed between threads. */
export interface Tokenized {
  ids: number[];
  /** `[ids, 2]`: start and end of each token in the text, UTF-16; -1 and -1 for added tokens. */
  ranges: Int32Array;
  /** Each distinct id. */
  vocabulary: Map<number, TokenInfo>;
}

export interface Detokenized {
  text: string;
  /** The vocabulary's own piece of each id, including markers. */
  pieces: string[];
}
