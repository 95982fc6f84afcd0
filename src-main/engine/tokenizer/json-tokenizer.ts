import { EngineError } from '../errors.ts';
import type { TokenKind, TokenPiece } from '../types.ts';
import { addedTokenSplitter, type AddedToken } from './added-tokens.ts';
import { AlignedText } from './aligned-text.ts';
import { DecoderStream, pieceBytes, type Decoder } from './decoder/decoder.ts';
import type { TokenModel } from './model/model.ts';
import type { Normalizer } from './normalizer/normalizer.ts';
import type { Template } from './post-processor/template-processing.ts';
import type { PreTokenizer } from './pre-tokenizer/pre-tokenizer.ts';
import type { EncodeOptions, StreamOptions, Tokenizer, TokenStream } from './tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface TokenizerParts {
  vocabulary: Vocabulary;
  addedTokens: readonly AddedToken[];
  normalizer: Normalizer;
  preTokenizer: PreTokenizer;
  model: TokenModel;
  template: Template;
  decoder: Decoder;
}

/** How vocabularies with byte fallback write a byte. */
const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/;

/** A surrogate without its partner. JavaScript allows it in a text, Unicode and tokenizers do not. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * A tokenizer in Hugging Face's structure: added tokens, normalizer, pre-tokenizer, model, post-processor, and the
 * decoder for the way back. A lone surrogate counts as U+FFFD.
 */
export class JsonTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly bosTokenId: number | null;
  readonly unkTokenId: number | null;
  private readonly specialIds: ReadonlySet<number>;
  private readonly addedKinds: ReadonlyMap<number, TokenKind>;
  private readonly splitAtAllAdded: ReturnType<typeof addedTokenSplitter>;
  private readonly splitAtOrdinaryAdded: ReturnType<typeof addedTokenSplitter>;

  constructor(private readonly parts: TokenizerParts) {
    const special = parts.addedTokens.filter((token) => token.special);
    this.vocabularySize = parts.vocabulary.size;
    this.bosTokenId = parts.template.before[0] ?? null;
    this.unkTokenId = parts.model.unkTokenId;
    this.specialIds = new Set(special.map((token) => token.id));
    this.addedKinds = new Map(parts.addedTokens.map(({ id, special }) => [id, special ? 'control' : 'user_defined']));
    this.splitAtAllAdded = addedTokenSplitter(parts.addedTokens);
    this.splitAtOrdinaryAdded = addedTokenSplitter(parts.addedTokens.filter((token) => !token.special));
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids: number[] = [];
    this.forEachToken(text, options, (id) => ids.push(id));
    return ids;
  }

  encodePieces(text: string, options: EncodeOptions = {}): TokenPiece[] {
    const pieces: TokenPiece[] = [];
    this.forEachToken(text, options, (id, range) => {
      pieces.push({
        id,
        piece: this.piece(id),
        bytes: Array.from(this.bytes(id)),
        kind: this.kind(id),
        special: this.isSpecial(id),
        unknown: id === this.unkTokenId,
        range: range(),
      });
    });
    return pieces;
  }

  decode(ids: readonly number[], skipSpecial = true): string {
    const stream = this.stream({ skipSpecial });
    return ids.map((id) => stream.push(id)).join('') + stream.flush();
  }

  piece(id: number): string {
    const piece = this.parts.vocabulary.piece(id);
    if (piece !== undefined) return piece;
    throw new EngineError('BAD_REQUEST', `There is no token ${id}: ids go from 0 to ${this.vocabularySize - 1}.`, {
      id,
      vocabularySize: this.vocabularySize,
    });
  }

  bytes(id: number): Uint8Array {
    const piece = this.piece(id);
    return this.addedKinds.has(id) ? new TextEncoder().encode(piece) : pieceBytes(this.parts.decoder, piece);
  }

  kind(id: number): TokenKind {
    if (id === this.unkTokenId) return 'unknown';
    const added = this.addedKinds.get(id);
    if (added) return added;
    const piece = this.parts.vocabulary.piece(id);
    return piece === undefined ? 'unused' : BYTE_PIECE.test(piece) ? 'byte' : 'normal';
  }

  isSpecial(id: number): boolean {
    return this.specialIds.has(id);
  }

  stream({ skipSpecial = true }: StreamOptions = {}): TokenStream {
    const decoder = new DecoderStream(this.parts.decoder);
    return {
      push: (id) => {
        const piece = this.piece(id);
        return skipSpecial && this.isSpecial(id) ? '' : decoder.push(piece);
      },
      get pending() {
        return decoder.pending;
      },
      flush: () => decoder.flush(),
    };
  }

  private forEachToken(
    text: string,
    { addSpecial = true, parseSpecial = false }: EncodeOptions,
    found: (id: number, range: () => TokenPiece['range']) => void,
  ): void {
    const { normalizer, preTokenizer, model, template } = this.parts;
    const noRange = () => null;
    const wellFormed = text.replaceAll(LONE_SURROGATE, '\ufffd');
    const sections = (parseSpecial ? this.splitAtAllAdded : this.splitAtOrdinaryAdded)(wellFormed);
    if (addSpecial) template.before.forEach((id) => found(id, noRange));
    for (const { start, end, tokenId } of sections) {
      if (tokenId !== null) {
        found(tokenId, () => [start, end]);
        continue;
      }
      const normalized = normalizer.normalize(AlignedText.of(wellFormed.slice(start, end)));
      for (const [from, to] of preTokenizer.split(normalized.text)) {
        for (const token of model.tokenize(normalized.text.slice(from, to))) {
          found(token.id, () => {
            const [first, last] = normalized.originalRange(from + token.start, from + token.end);
            return [start + first, start + last];
          });
        }
      }
    }
    if (addSpecial) template.after.forEach((id) => found(id, noRange));
  }
}
