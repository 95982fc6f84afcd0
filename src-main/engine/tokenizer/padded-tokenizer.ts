import type { TokenKind, TokenMerge } from '../api/types.ts';
import type { EncodeOptions, StreamOptions, Tokenizer, TokenStream } from './tokenizer.ts';

/** Piece of an id without a token. */
export const unusedPiece = (id: number) => `<unused ${id}>`;

/**
 * A tokenizer for a model whose tables are padded to a round number of rows. The padding rows are special tokens without
 * text.
 */
export class PaddedTokenizer implements Tokenizer {
  constructor(
    private readonly tokens: Tokenizer,
    readonly vocabularySize: number,
  ) {}

  get bosTokenId(): number | null {
    return this.tokens.bosTokenId;
  }

  get unkTokenId(): number | null {
    return this.tokens.unkTokenId;
  }

  get continuingPrefix(): string | null {
    return this.tokens.continuingPrefix;
  }

  encode(text: string, options?: EncodeOptions): number[] {
    return this.tokens.encode(text, options);
  }

  encodePieces(text: string, options?: EncodeOptions): ReturnType<Tokenizer['encodePieces']> {
    return this.tokens.encodePieces(text, options);
  }

  decode(ids: readonly number[], skipSpecial?: boolean): string {
    return this.tokens.decode(
      ids.filter((id) => !this.isPadding(id)),
      skipSpecial,
    );
  }

  piece(id: number): string {
    return this.isPadding(id) ? unusedPiece(id) : this.tokens.piece(id);
  }

  bytes(id: number): Uint8Array {
    return this.isPadding(id) ? new Uint8Array(0) : this.tokens.bytes(id);
  }

  kind(id: number): TokenKind {
    return this.isPadding(id) ? 'unused' : this.tokens.kind(id);
  }

  isSpecial(id: number): boolean {
    return this.isPadding(id) || this.tokens.isSpecial(id);
  }

  merges(id: number): TokenMerge[] {
    return this.isPadding(id) ? [] : this.tokens.merges(id);
  }

  stream(options?: StreamOptions): TokenStream {
    const stream = this.tokens.stream(options);
    return {
      push: (id) => (this.isPadding(id) ? '' : stream.push(id)),
      get pending() {
        return stream.pending;
      },
      flush: () => stream.flush(),
    };
  }

  private isPadding(id: number): boolean {
    return id >= this.tokens.vocabularySize && id < this.vocabularySize;
  }
}
