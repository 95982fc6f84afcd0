import type { Vocabulary } from '../vocabulary.ts';
import { mergePairs } from './byte-pair.ts';
import { rangesOf } from './byte-ranges.ts';
import type { MergeTable } from './merge-table.ts';
import type { TokenModel } from './model.ts';
import type { PossibleJoins } from './possible-joins.ts';
import { bytePiece } from './byte-piece.ts';

export interface CharacterBpeOptions {
  readonly vocabulary: Vocabulary;
  /** Whether an id is the model's own; added tokens are in the vocabulary too. */
  readonly isOwn: (id: number) => boolean;
  readonly merges: MergeTable;
  /** Where merges may join characters. */
  readonly joins: PossibleJoins;
  readonly ignoreMerges: boolean;
  readonly unkTokenId: number | null;
  /** Neighbouring unknown characters are one token. */
  readonly fuseUnk: boolean;
  /** Unknown characters become the pieces of their UTF-8 bytes. */
  readonly byteFallback: boolean;
  /** Stands before every character but the first of a word; usually empty. */
  readonly continuingPrefix: string;
  /** Stands behind the last character of a word; usually empty. */
  readonly wordSuffix: string;
}

/** A character that is to be looked up. */
const NOT_LOOKED_UP = -2;

/** Hugging Face's BPE on characters: those of a word are the first symbols. (`models/bpe/model.rs`, `merge_word`.) */
export function characterBpe(options: CharacterBpeOptions): TokenModel {
  const { vocabulary, isOwn, merges, joins, unkTokenId, continuingPrefix, wordSuffix } = options;
  const encoder = new TextEncoder();
  const plain = continuingPrefix === '' && wordSuffix === '';
  const known = new Int32Array(0x10000).fill(NOT_LOOKED_UP);

  function idOf(piece: string): number {
    const id = vocabulary.id(piece);
    return id !== undefined && isOwn(id) ? id : -1;
  }

  function idOfCharacter(character: string): number {
    const unit = character.charCodeAt(0);
    if (character.length > 1) return idOf(character);
    if (known[unit] === NOT_LOOKED_UP) known[unit] = idOf(character);
    return known[unit];
  }

  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => idOf(bytePiece(byte)));

  /** The word's first symbols: ids, UTF-8 sizes, and whether each may be joined to the one before it. */
  function symbolsOf(word: string) {
    const ids: number[] = [];
    const sizes: number[] = [];
    const joinable: boolean[] = [];
    let unknownSize = 0;
    let previous = '';
    const push = (id: number, size: number, mayJoin: boolean) => {
      ids.push(id);
      sizes.push(size);
      joinable.push(mayJoin);
    };
    const flushUnknown = () => {
      if (unknownSize > 0 && unkTokenId !== null) push(unkTokenId, unknownSize, true);
      unknownSize = 0;
    };
    for (let at = 0; at < word.length;) {
      const codePoint = word.codePointAt(at) ?? 0;
      const character = String.fromCodePoint(codePoint);
      const before = at > 0 ? continuingPrefix : '';
      at += character.length;
      const piece = plain ? character : before + character + (at === word.length ? wordSuffix : '');
      const id = plain ? idOfCharacter(character) : idOf(piece);
      const size = codePoint > 0xffff ? 4 : codePoint > 0x7ff ? 3 : codePoint > 0x7f ? 2 : 1;
      if (id !== -1) {
        flushUnknown();
        push(id, size, !plain || previous === '' || joins.has(previous, character));
        previous = character;
        continue;
      }
      previous = '';
      const bytes = options.byteFallback ? encoder.encode(piece) : null;
      if (bytes?.every((byte) => byteIds[byte] !== -1)) {
        // An unknown character before them stays where it is put later, as in Hugging Face.
        bytes.forEach((byte, i) => push(byteIds[byte], i < size ? 1 : 0, true));
      } else {
        if (!options.fuseUnk) flushUnknown();
        unknownSize += size;
      }
    }
    flushUnknown();
    return { ids: Int32Array.from(ids), sizes: Int32Array.from(sizes), joinable };
  }

  return {
    unkTokenId,
    tokenize(word) {
      const whole = options.ignoreMerges ? idOf(word) : -1;
      if (whole !== -1) return [{ id: whole, start: 0, end: word.length }];
      const { ids, sizes, joinable } = symbolsOf(word);
      let kept = 0;
      for (let start = 0; start < ids.length;) {
        let end = start + 1;
        while (end < ids.length && joinable[end]) end++;
        const [part, partSizes] = [ids.subarray(start, end), sizes.subarray(start, end)];
        const count = end - start === 1 ? 1 : mergePairs(part, partSizes, end - start, merges);
        ids.copyWithin(kept, start, start + count);
        sizes.copyWithin(kept, start, start + count);
        kept += count;
        start = end;
      }
      return rangesOf(word, ids, sizes, kept);
    },
  };
}
