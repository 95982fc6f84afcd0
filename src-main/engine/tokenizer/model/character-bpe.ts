import type { Vocabulary } from '../vocabulary.ts';
import { mergePairs } from './byte-pair.ts';
import { bytePiece } from './byte-piece.ts';
import { rangesOf } from './byte-ranges.ts';
import { type MergeTable, rankIn } from './merge-table.ts';
import type { TokenModel, WordToken } from './model.ts';
import type { PossibleJoins } from './possible-joins.ts';
import { remembering } from './remembered.ts';

export interface CharacterBpeOptions {
  readonly vocabulary: Vocabulary;
  /** Whether an id belongs to the model; the vocabulary contains added tokens, too. */
  readonly isOwn: (id: number) => boolean;
  readonly merges: MergeTable;
  /** Between which characters merges may join. */
  readonly joins: PossibleJoins;
  readonly ignoreMerges: boolean;
  readonly unkTokenId: number | null;
  /** Whether adjacent unknown characters are one token. */
  readonly fuseUnk: boolean;
  /** Whether unknown characters become the pieces of their UTF-8 bytes. */
  readonly byteFallback: boolean;
  /** Prefix of every character except the first of a word; usually empty. */
  readonly continuingPrefix: string;
  /** Suffix of the last character of a word; usually empty. */
  readonly wordSuffix: string;
}

/** Marks a character that was not looked up yet. */
const NOT_LOOKED_UP = -2;

/**
 * Hugging Face's BPE on characters: a word's characters are the initial symbols. (`models/bpe/model.rs`, `merge_word`.)
 */
export function characterBpe(options: CharacterBpeOptions): TokenModel {
  const { vocabulary, isOwn, merges, joins, unkTokenId, continuingPrefix, wordSuffix } = options;
  const encoder = new TextEncoder();
  const plain = continuingPrefix === '' && wordSuffix === '';
  const known = new Int32Array(0x10000).fill(NOT_LOOKED_UP);

  function idOf(piece: string): number {
    const id = vocabulary.id(piece);
    return id !== undefined && isOwn(id) ? id : -1;
  }

  function idOfCharacter(codePoint: number): number {
    if (codePoint > 0xffff) return idOf(String.fromCodePoint(codePoint));
    if (known[codePoint] === NOT_LOOKED_UP) known[codePoint] = idOf(String.fromCodePoint(codePoint));
    return known[codePoint];
  }

  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => idOf(bytePiece(byte)));

  /** Initial symbols of a part of a word: ids and UTF-8 sizes. */
  function symbolsOf(stretch: string): { ids: Int32Array; sizes: Int32Array } {
    const ids: number[] = [];
    const sizes: number[] = [];
    let unknownSize = 0;
    const push = (id: number, size: number) => {
      ids.push(id);
      sizes.push(size);
    };
    const flushUnknown = () => {
      if (unknownSize > 0 && unkTokenId !== null) push(unkTokenId, unknownSize);
      unknownSize = 0;
    };
    for (let at = 0; at < stretch.length;) {
      const codePoint = stretch.codePointAt(at) ?? 0;
      const before = at > 0 ? continuingPrefix : '';
      at += codePoint > 0xffff ? 2 : 1;
      const piece = before + String.fromCodePoint(codePoint) + (at === stretch.length ? wordSuffix : '');
      const id = plain ? idOfCharacter(codePoint) : idOf(piece);
      const size = codePoint > 0xffff ? 4 : codePoint > 0x7ff ? 3 : codePoint > 0x7f ? 2 : 1;
      if (id !== -1) {
        flushUnknown();
        push(id, size);
        continue;
      }
      const bytes = options.byteFallback ? encoder.encode(piece) : null;
      if (bytes?.every((byte) => byteIds[byte] !== -1)) {
        // An unknown character before them keeps its later position, as in Hugging Face.
        bytes.forEach((byte, i) => push(byteIds[byte], i < size ? 1 : 0));
      } else {
        if (!options.fuseUnk) flushUnknown();
        unknownSize += size;
      }
    }
    flushUnknown();
    return { ids: Int32Array.from(ids), sizes: Int32Array.from(sizes) };
  }

  const tokensOf = remembering((stretch) => {
    const { ids, sizes } = symbolsOf(stretch);
    return rangesOf(stretch, ids, sizes, mergePairs(ids, sizes, ids.length, merges));
  });

  /** Calls `found` for each part of a word between which nothing can be joined. Unknown characters are not separated. */
  function eachStretch(word: string, found: (start: number, end: number) => void): void {
    let start = 0;
    let previous = -1;
    for (let at = 0; at < word.length;) {
      const codePoint = word.codePointAt(at) ?? 0;
      const isKnown = idOfCharacter(codePoint) !== -1;
      if (isKnown && previous !== -1 && !joins.has(previous, codePoint)) {
        found(start, at);
        start = at;
      }
      previous = isKnown ? codePoint : -1;
      at += codePoint > 0xffff ? 2 : 1;
    }
    found(start, word.length);
  }

  return {
    unkTokenId,
    ...(plain ? { mergeRank: rankIn(vocabulary, merges) } : {}),
    tokenize(word) {
      const whole = options.ignoreMerges ? idOf(word) : -1;
      if (whole !== -1) return [{ id: whole, start: 0, end: word.length }];
      if (!plain) return tokensOf(word);
      const tokens: WordToken[] = [];
      eachStretch(word, (from, to) => {
        for (const { id, start, end } of tokensOf(word.slice(from, to))) {
          tokens.push({ id, start: from + start, end: from + end });
        }
      });
      return tokens;
    },
  };
}
