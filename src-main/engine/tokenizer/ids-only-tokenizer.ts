import { EngineError } from '../errors.ts';
import type { TokenKind, TokenPiece } from '../types.ts';
import type { Tokenizer, TokenStream } from './tokenizer.ts';

/**
 * Replaces the tokenizer of a model without one: it handles ids, but not text. A token's piece and text are its id in
 * brackets.
 */
export class IdsOnlyTokenizer implements Tokenizer {
  readonly bosTokenId = null;
  readonly unkTokenId = null;

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
    throw new EngineError('BAD_REQUEST', `There is no token ${id}: ids run from 0 to ${this.vocabularySize - 1}.`, {
      id,
      vocabularySize: this.vocabularySize,
    });
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
