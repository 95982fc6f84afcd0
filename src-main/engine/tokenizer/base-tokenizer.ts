import { EngineError } from '../api/errors.ts';
import type { TokenKind, TokenMerge, TokenPiece } from '../api/types.ts';
import { unusedPiece } from './padded-tokenizer.ts';
import { type MergeRank, mergesOf } from './token-merges.ts';
import { withinSteps } from './regex/step-budget.ts';
import type { EncodeOptions, StreamOptions, Tokenizer, TokenStream } from './tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A section of a text: one token that was found as its own text, or what lies between two. UTF-16 range `[start, end)`. */
export interface Section {
  readonly start: number;
  readonly end: number;
  /** Null: ordinary text. */
  readonly tokenId: number | null;
}

/** Called for each token of a text, in order. The range is a function because `encode` has no use for it. */
export type TokenSink = (id: number, range: () => TokenPiece['range']) => void;

/** Decodes one growing sequence of tokens that all have a text. */
export interface Decoding {
  /** What `push` adds to, and where a part of a character is held back. */
  readonly text: Pick<TokenStream, 'pending' | 'flush'>;
  /** @param isFirst no token of the sequence came before, special ones included */
  push(id: number, isFirst: boolean): string;
}

export interface BaseTokenizerParts {
  readonly vocabulary: Vocabulary;
  readonly unkTokenId: number | null;
  /** Absent if the vocabulary has no merges. */
  readonly mergeRank?: MergeRank | undefined;
  /** See `Tokenizer`; absent for null. */
  readonly continuingPrefix?: string | undefined;
  /** Special tokens put around a text when `addSpecial`. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** A surrogate without its partner. JavaScript allows it in a text, Unicode and tokenizers do not. */
const LONE_SURROGATES = /\p{Surrogate}/gu;

const noRange = () => null;

/** What tokenizers from GGUF and from `tokenizer.json` have in common. A lone surrogate counts as U+FFFD. */
export abstract class BaseTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly bosTokenId: number | null;
  readonly unkTokenId: number | null;
  readonly continuingPrefix: string | null;
  protected readonly vocabulary: Vocabulary;
  private readonly mergeRank: MergeRank | undefined;
  private readonly before: readonly number[];
  private readonly after: readonly number[];

  constructor({ vocabulary, unkTokenId, mergeRank, continuingPrefix, before, after }: BaseTokenizerParts) {
    this.mergeRank = mergeRank;
    this.continuingPrefix = continuingPrefix ?? null;
    this.vocabulary = vocabulary;
    this.vocabularySize = vocabulary.size;
    this.bosTokenId = before[0] ?? null;
    this.unkTokenId = unkTokenId;
    this.before = before;
    this.after = after;
  }

  abstract bytes(id: number): Uint8Array;
  abstract kind(id: number): TokenKind;
  abstract isSpecial(id: number): boolean;

  /** Cuts a text at the tokens that are found in it before it is tokenized. Left to right, none empty. */
  protected abstract sections(text: string, options: EncodeOptions): readonly Section[];
  /** @param start where the section begins in the whole text, to which ranges refer */
  protected abstract encodeSection(section: string, start: number, options: EncodeOptions, found: TokenSink): void;
  /** @param continues the sequence goes on from a text before it */
  protected abstract startDecoding(continues: boolean): Decoding;

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
    return withinSteps(ids.length, () => ids.map((id) => stream.push(id)).join('') + stream.flush());
  }

  piece(id: number): string {
    const piece = this.vocabulary.piece(id);
    if (piece !== undefined) return piece;
    if (this.isHole(id)) return unusedPiece(id);
    throw noSuchToken(id, this.vocabularySize);
  }

  merges(id: number): TokenMerge[] {
    if (!this.mergeRank || this.isSpecial(id)) return [];
    return mergesOf(this.piece(id), this.mergeRank);
  }

  stream({ skipSpecial = true, continues = false }: StreamOptions = {}): TokenStream {
    const { text, push } = this.startDecoding(continues);
    let isFirst = true;
    return {
      push: (id) => {
        const isSilent = this.isHole(id) || (skipSpecial && this.isSpecial(id));
        const added = isSilent ? '' : push(id, isFirst);
        isFirst = false;
        return added;
      },
      get pending() {
        return text.pending;
      },
      flush: () => text.flush(),
    };
  }

  /** Whether an id below the highest has no token. It is a special token without text. */
  protected isHole(id: number): boolean {
    const isId = Number.isInteger(id) && id >= 0 && id < this.vocabularySize;
    return isId && !this.vocabulary.has(id);
  }

  /** All within one step budget: what is searched with patterns of the model's file. */
  private forEachToken(text: string, options: EncodeOptions, found: TokenSink): void {
    const { addSpecial = true } = options;
    const wellFormed = text.replaceAll(LONE_SURROGATES, '\ufffd');
    withinSteps(text.length, () => {
      if (addSpecial) for (const id of this.before) found(id, noRange);
      for (const { start, end, tokenId } of this.sections(wellFormed, options)) {
        if (tokenId !== null) found(tokenId, () => [start, end]);
        else this.encodeSection(wellFormed.slice(start, end), start, options, found);
      }
      if (addSpecial) for (const id of this.after) found(id, noRange);
    });
  }
}

export function noSuchToken(id: number, vocabularySize: number): EngineError {
  return new EngineError('BAD_REQUEST', `There is no token ${id}: ids run from 0 to ${vocabularySize - 1}.`, {
    id,
    vocabularySize,
  });
}
