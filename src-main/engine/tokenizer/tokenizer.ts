import type { TokenKind, TokenMerge, TokenPiece } from '../api/types.ts';

export interface EncodeOptions {
  /** Whether the post-processor adds its special tokens (BOS). Default true. */
  addSpecial?: boolean;
  /** Whether the text of special tokens becomes those tokens. Default false: user text never becomes a special token. */
  parseSpecial?: boolean;
  /**
   * Whether the text of a token stays text at a range `[start, end)` of the input, UTF-16, for example a special token in
   * a message of a chat. White space that the token includes is outside the range. Default never.
   */
  staysText?: StaysText | undefined;
}

export type StaysText = (id: number, start: number, end: number) => boolean;

/** Converts between text and token ids. */
export interface Tokenizer {
  readonly vocabularySize: number;
  readonly bosTokenId: number | null;
  readonly unkTokenId: number | null;
  /** Prefix of pieces inside a word (WordPiece); null in other vocabularies. */
  readonly continuingPrefix: string | null;
  encode(text: string, options?: EncodeOptions): number[];
  /** Like `encode`, with the piece and the UTF-16 range of the input per token. */
  encodePieces(text: string, options?: EncodeOptions): TokenPiece[];
  /** @param skipSpecial omit special tokens. Default true. */
  decode(ids: readonly number[], skipSpecial?: boolean): string;
  /** The vocabulary's own piece, including markers. @throws EngineError BAD_REQUEST for an id outside the vocabulary. */
  piece(id: number): string;
  /**
   * UTF-8 bytes of the token inside a text, of special tokens as their own text. They may be part of a character.
   * @throws EngineError BAD_REQUEST for an id outside the vocabulary.
   */
  bytes(id: number): Uint8Array;
  kind(id: number): TokenKind;
  isSpecial(id: number): boolean;
  /** The merges that make the token of its characters or bytes, in order; empty if it is not made by merges. */
  merges(id: number): TokenMerge[];
  /** A decoder for one growing sequence of ids. */
  stream(options?: StreamOptions): TokenStream;
}

export interface StreamOptions {
  /** Whether to omit special tokens. Default true. */
  skipSpecial?: boolean;
  /**
   * Whether the sequence continues a text, so that its leading space is part of the text. SentencePiece vocabularies add
   * one before every text, which decoding from the start removes. A WordPiece prefix is not part of it. Default false.
   */
  continues?: boolean;
}

/**
 * Decodes a growing sequence: the concatenation of everything returned by `push` and `flush` equals `decode` of all ids,
 * and is never revised.
 */
export interface TokenStream {
  /** Returns the text that this token adds; empty while a character is incomplete. */
  push(id: number): string;
  /** Whether text of the tokens so far is held back, so that `flush` or a later `push` would return it. */
  readonly pending: boolean;
  /** Returns the text that is still held back, at the end of the sequence. */
  flush(): string;
}
