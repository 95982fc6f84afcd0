import { EngineError } from '../errors.ts';
import type { TokenKind, TokenPiece } from '../types.ts';
import { addedTokenSplitter, type AddedToken, type AddedTokenSplitter } from './added-tokens.ts';
import { AlignedText } from './aligned-text.ts';
import { DecoderStream, pieceBytes, type Decoder } from './decoder/decoder.ts';
import type { TokenModel } from './model/model.ts';
import type { Normalizer } from './normalizer/normalizer.ts';
import type { Template } from './post-processor/template-processing.ts';
import { unusedPiece } from './padded-tokenizer.ts';
import { forEachWord, type PreTokenizer } from './pre-tokenizer/pre-tokenizer.ts';
import { withinSteps } from './regex/step-budget.ts';
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

/** A byte in vocabularies with byte fallback. */
const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/;

/** An unpaired surrogate, which is allowed in JavaScript strings, but not in Unicode text or by tokenizers. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const LONE_SURROGATES = /[\ud800-\udfff]/gu;

type Found = (id: number, range: () => TokenPiece['range']) => void;

const noRange = () => null;

/**
 * A tokenizer with Hugging Face's structure: added tokens, normalizer, pre-tokenizer, model, post-processor and decoder.
 * A lone surrogate counts as U+FFFD. Ids without a token are special tokens without text.
 */
export class JsonTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly bosTokenId: number | null;
  readonly unkTokenId: number | null;
  private readonly added: ReadonlyMap<number, AddedToken>;
  /** Decoded text of added tokens that are normalised: their normalised text. */
  private readonly writtenAs: ReadonlyMap<number, string>;
  private readonly splitAtAdded: AddedTokenSplitter;
  private readonly splitAtNormalized: AddedTokenSplitter;

  constructor(private readonly parts: TokenizerParts) {
    const { addedTokens, normalizer, vocabulary, template, model } = parts;
    this.vocabularySize = vocabulary.size;
    this.bosTokenId = template.before[0] ?? null;
    this.unkTokenId = model.unkTokenId;
    this.added = new Map(addedTokens.map((token) => [token.id, token]));
    const normalized = addedTokens.filter((token) => token.normalized);
    const length = normalized.reduce((sum, { content }) => sum + content.length, 0);
    this.writtenAs = withinSteps(length, () => {
      return new Map(normalized.map(({ id, content }) => [id, normalizer.normalize(AlignedText.of(content)).text]));
    });
    this.splitAtAdded = addedTokenSplitter(addedTokens.filter((token) => !token.normalized));
    this.splitAtNormalized = addedTokenSplitter(normalized, ({ id, content }) => this.writtenAs.get(id) ?? content);
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    const ids: number[] = [];
    withinSteps(text.length, () => this.forEachToken(text, options, (id) => ids.push(id)));
    return ids;
  }

  encodePieces(text: string, options: EncodeOptions = {}): TokenPiece[] {
    const pieces: TokenPiece[] = [];
    const found: Found = (id, range) => {
      pieces.push({
        id,
        piece: this.piece(id),
        bytes: Array.from(this.bytes(id)),
        kind: this.kind(id),
        special: this.isSpecial(id),
        unknown: id === this.unkTokenId,
        range: range(),
      });
    };
    withinSteps(text.length, () => this.forEachToken(text, options, found));
    return pieces;
  }

  decode(ids: readonly number[], skipSpecial = true): string {
    const stream = this.stream({ skipSpecial });
    return withinSteps(ids.length, () => ids.map((id) => stream.push(id)).join('') + stream.flush());
  }

  piece(id: number): string {
    const piece = this.parts.vocabulary.piece(id);
    if (piece !== undefined) return piece;
    if (this.isHole(id)) return unusedPiece(id);
    throw new EngineError('BAD_REQUEST', `There is no token ${id}: ids run from 0 to ${this.vocabularySize - 1}.`, {
      id,
      vocabularySize: this.vocabularySize,
    });
  }

  bytes(id: number): Uint8Array {
    if (this.isHole(id)) return new Uint8Array(0);
    const piece = this.writtenAs.get(id) ?? this.piece(id);
    return this.isSpecial(id) ? new TextEncoder().encode(piece) : pieceBytes(this.parts.decoder, piece);
  }

  kind(id: number): TokenKind {
    if (id === this.unkTokenId) return 'unknown';
    const added = this.added.get(id);
    if (added) return added.special ? 'control' : 'user_defined';
    const piece = this.parts.vocabulary.piece(id);
    return piece === undefined ? 'unused' : BYTE_PIECE.test(piece) ? 'byte' : 'normal';
  }

  isSpecial(id: number): boolean {
    return this.added.get(id)?.special ?? this.isHole(id);
  }

  stream({ skipSpecial = true, continues = false }: StreamOptions = {}): TokenStream {
    const decoder = new DecoderStream(this.parts.decoder, continues);
    return {
      push: (id) => {
        const piece = this.writtenAs.get(id) ?? this.piece(id);
        return this.isHole(id) || (skipSpecial && this.isSpecial(id)) ? '' : decoder.push(piece);
      },
      get pending() {
        return decoder.pending;
      },
      flush: () => decoder.flush(),
    };
  }

  /** Whether an id below the highest has no token. */
  private isHole(id: number): boolean {
    const isId = Number.isInteger(id) && id >= 0 && id < this.vocabularySize;
    return isId && !this.parts.vocabulary.has(id);
  }

  private forEachToken(text: string, options: EncodeOptions, found: Found): void {
    const { addSpecial = true } = options;
    const { before, after } = this.parts.template;
    const wellFormed = LONE_SURROGATE.test(text) ? text.replaceAll(LONE_SURROGATES, '\ufffd') : text;
    if (addSpecial) before.forEach((id) => found(id, noRange));
    for (const { start, end, tokenId } of this.splitAtAdded(wellFormed, options)) {
      if (tokenId !== null) found(tokenId, () => [start, end]);
      else this.encodeSection(AlignedText.of(wellFormed.slice(start, end), start), options, found);
    }
    if (addSpecial) after.forEach((id) => found(id, noRange));
  }

  /** Encodes text without added tokens, except those that are found after normalisation only. */
  private encodeSection(section: AlignedText, options: EncodeOptions, found: Found): void {
    const normalized = this.parts.normalizer.normalize(section);
    for (const { start, end, tokenId } of this.splitAtNormalized(normalized.text, options)) {
      if (tokenId !== null) found(tokenId, () => normalized.originalRange(start, end));
      else this.encodeWords(normalized.slice(start, end), found);
    }
  }

  private encodeWords(text: AlignedText, found: Found): void {
    const { preTokenizer, model } = this.parts;
    forEachWord(preTokenizer, text, (words, from, to) => {
      for (const { id, start, end } of model.tokenize(words.text.slice(from, to))) {
        found(id, () => words.originalRange(from + start, from + end));
      }
    });
  }
}
