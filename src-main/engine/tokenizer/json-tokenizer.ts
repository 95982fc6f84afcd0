import type { TokenKind } from '../api/types.ts';
import { addedTokenSplitter, type AddedToken, type AddedTokenSplitter } from './added-tokens.ts';
import { AlignedText } from './aligned-text.ts';
import { BaseTokenizer, type Decoding, type TokenSink, type Section } from './base-tokenizer.ts';
import { DecoderStream, pieceBytes, type Decoder } from './decoder/decoder.ts';
import type { TokenModel } from './model/model.ts';
import type { Normalizer } from './normalizer/normalizer.ts';
import type { Template } from './post-processor/template-processing.ts';
import { forEachWord, type PreTokenizer } from './pre-tokenizer/pre-tokenizer.ts';
import type { Range } from './regex/pattern.ts';
import { withinSteps } from './regex/step-budget.ts';
import type { EncodeOptions, StaysText } from './tokenizer.ts';
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

/**
 * A tokenizer in Hugging Face's structure: added tokens, normalizer, pre-tokenizer, model, post-processor, and the
 * decoder for the way back. Ids without a token are special tokens without text.
 */
export class JsonTokenizer extends BaseTokenizer {
  private readonly added: ReadonlyMap<number, AddedToken>;
  /** Decoded text of added tokens that are normalised: their normalised text. */
  private readonly writtenAs: ReadonlyMap<number, string>;
  private readonly splitAtAdded: AddedTokenSplitter;
  private readonly splitAtNormalized: AddedTokenSplitter;

  constructor(private readonly parts: TokenizerParts) {
    const { addedTokens, normalizer, vocabulary, template, model } = parts;
    const { mergeRank, continuingPrefix } = model;
    super({
      vocabulary,
      mergeRank,
      continuingPrefix,
      unkTokenId: model.unkTokenId,
      before: template.before,
      after: template.after,
    });
    this.added = new Map(addedTokens.map((token) => [token.id, token]));
    const normalized = addedTokens.filter((token) => token.normalized);
    const length = normalized.reduce((sum, { content }) => sum + content.length, 0);
    this.writtenAs = withinSteps(length, () => {
      return new Map(normalized.map(({ id, content }) => [id, normalizer.normalize(AlignedText.of(content)).text]));
    });
    this.splitAtAdded = addedTokenSplitter(addedTokens.filter((token) => !token.normalized));
    this.splitAtNormalized = addedTokenSplitter(normalized, ({ id, content }) => this.writtenAs.get(id) ?? content);
  }

  bytes(id: number): Uint8Array {
    if (this.isHole(id)) return new Uint8Array(0);
    const piece = this.writtenPiece(id);
    return this.isSpecial(id) ? new TextEncoder().encode(piece) : pieceBytes(this.parts.decoder, piece);
  }

  kind(id: number): TokenKind {
    if (id === this.unkTokenId) return 'unknown';
    const added = this.added.get(id);
    if (added) return added.special ? 'control' : 'user_defined';
    const piece = this.vocabulary.piece(id);
    return piece === undefined ? 'unused' : BYTE_PIECE.test(piece) ? 'byte' : 'normal';
  }

  isSpecial(id: number): boolean {
    return this.added.get(id)?.special ?? this.isHole(id);
  }

  protected startDecoding(continues: boolean): Decoding {
    const text = new DecoderStream(this.parts.decoder, continues);
    return { text, push: (id) => text.push(this.writtenPiece(id)) };
  }

  protected sections(text: string, options: EncodeOptions): readonly Section[] {
    return this.splitAtAdded(text, options);
  }

  /** Text without added tokens, but for those that are only found once it is normalised. */
  protected encodeSection(section: string, start: number, options: EncodeOptions, found: TokenSink): void {
    const normalized = this.parts.normalizer.normalize(AlignedText.of(section, start));
    const { staysText } = options;
    const inOriginal: StaysText | undefined =
      staysText &&
      ((id, from, to) => staysText(id, ...this.ownRange(id, section, start, normalized.originalRange(from, to))));
    const parts = this.splitAtNormalized(normalized.text, { ...options, staysText: inOriginal });
    for (const { start: from, end: to, tokenId } of parts) {
      if (tokenId !== null) found(tokenId, () => normalized.originalRange(from, to));
      else this.encodeWords(normalized.slice(from, to), found);
    }
  }

  private encodeWords(text: AlignedText, found: TokenSink): void {
    const { preTokenizer, model } = this.parts;
    forEachWord(preTokenizer, text, (words, from, to) => {
      for (const { id, start, end } of model.tokenize(words.text.slice(from, to))) {
        found(id, () => words.originalRange(from + start, from + end));
      }
    });
  }

  /** Where the token's own text is in its range, which may begin with a space that became part of it (U+2581). */
  private ownRange(id: number, section: string, start: number, [from, to]: Range): Range {
    const piece = this.piece(id);
    const at = section.slice(from - start, to - start).indexOf(piece);
    return at === -1 ? [from, to] : [from + at, from + at + piece.length];
  }

  private writtenPiece(id: number): string {
    return this.writtenAs.get(id) ?? this.piece(id);
  }
}
