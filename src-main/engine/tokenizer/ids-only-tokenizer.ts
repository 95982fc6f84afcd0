import { EngineError } from '../api/errors.ts';
import type { TokenKind, TokenMerge, TokenPiece } from '../api/types.ts';
import { noSuchToken } from './base-tokenizer.ts';
import type { Tokenizer, TokenStream } from './tokenizer.ts';

/**
 * Replaces the tokenizer of a model without one: it handles ids, but not text. A token's piece and text are its id in
 * brackets.
 */
export class IdsOnlyTokenizer implements Tokenizer {
  readonly bosTokenId = null;
  readonly unkTokenId = null;
  readonly continuingPrefix = null;

  /** @param missing the file that should contain the tokenizer, for messages: `tokenizer.json` */
  constructor(
    readonly vocabularySize: number,
    private readonly missing: string,
  ) {}

  encode(): number[] {
    throw this.noText();
  }

  encodePieces(): TokenPiece[] {
    throw this.noText();
  }

  decode(ids: readonly number[]): string {
    return ids.map((id) => this.piece(id)).join('');
  }

  piece(id: number): string {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabularySize) return `[${id}]`;
    throw noSuchToken(id, this.vocabularySize);
  }

  bytes(id: number): Uint8Array {
    return new TextEncoder().encode(this.piece(id));
  }

  kind(): TokenKind {
    return 'normal';
  }

  isSpecial(): boolean {
    return false;
  }

  merges(): TokenMerge[] {
    return [];
  }

  stream(): TokenStream {
    return { push: (id) => this.piece(id), pending: false, flush: () => '' };
  }

  private noText(): EngineError {
    return new EngineError(
      'UNSUPPORTED_TOKENIZER',
      `The model has no ${this.missing}, so text cannot be tokenized. Use token ids instead.`,
      { file: this.missing },
    );
  }
}
