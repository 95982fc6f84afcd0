import type { TokenKind, TokenPiece } from '../api/types.ts';

export interface EncodeOptions {
  /** Let the post-processor add its special tokens (BOS). Default true. */
  addSpecial?: boolean;
  /** Read the text of special tokens as those tokens. Default false: user text never becomes a special token. */
  parseSpecial?: boolean;
  /**
   * Tokens that stay text although they are found in every text otherwise (`user_defined`), for example a mark of the
   * chat template that a person wrote. Counts where `parseSpecial` is off. Default none.
   */
  asText?: ReadonlySet<number>;
}

/** Text to token ids and back. */
export interface Tokenizer {
  readonly vocabularySize: number;
  readonly bosTokenId: number | null;
  readonly unkTokenId: number | null;
  encode(text: string, options?: EncodeOptions): number[];
  /** Like `encode`, with the piece and the UTF-16 range of the input per token. */
  encodePieces(text: string, options?: EncodeOptions): TokenPiece[];
  /** @param skipSpecial leave special tokens out of the text. Default true. */
  decode(ids: readonly number[], skipSpecial?: boolean): string;
  /** The vocabulary's own piece, markers included. @throws EngineError BAD_REQUEST for an id outside the vocabulary. */
  piece(id: number): string;
  /**
   * UTF-8 bytes that the token stands for inside a text, special tokens as their own text. They may be part of a character.
   * @throws EngineError BAD_REQUEST for an id outside the vocabulary.
   */
  bytes(id: number): Uint8Array;
  kind(id: number): TokenKind;
  isSpecial(id: number): boolean;
  /** A decoder for one growing sequence of ids. */
  stream(options?: StreamOptions): TokenStream;
}

export interface StreamOptions {
  /** Leave special tokens out of the text. Default true. */
  skipSpecial?: boolean;
  /**
   * The sequence goes on from a text before it, so that a space with which it begins is part of the text; SentencePiece
   * vocabularies put one before every text, which decoding a text from its beginning takes away. Default false.
   */
  continues?: boolean;
}

/**
 * Decodes a growing sequence: the concatenation of everything `push` and `flush` returned equals `decode` of all ids,
 * and nothing that was returned is ever revised.
 */
export interface TokenStream {
  /** Text that this token adds; empty while a character is incomplete. */
  push(id: number): string;
  /** Whether text of tokens pushed so far is held back, so that `flush` or a later `push` would return it. */
  readonly pending: boolean;
  /** Whatever is still held back, at the end of the sequence. */
  flush(): string;
}
