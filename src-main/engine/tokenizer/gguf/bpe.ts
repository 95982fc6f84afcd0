import { BYTE_CHARACTERS } from '../byte-level/alphabet.ts';
import { mergePairs } from '../model/byte-pair.ts';
import { rangesOf } from '../model/byte-ranges.ts';
import { MergeTable } from '../model/merge-table.ts';
import { bytePiece } from '../model/byte-piece.ts';
import type { WordToken, WordTokenizer } from '../model/model.ts';
import { remembering } from '../model/remembered.ts';
import type { MergeRank } from '../token-merges.ts';
import { characterLength } from '../utf8.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { SymbolTable } from './symbol-table.ts';
import { SPACE, type GgufModel, type Utf8Strings } from './model.ts';
import type { PreTokenizerFamily } from './pre-tokenizers.ts';

export interface BpeOptions {
  readonly vocabulary: Vocabulary;
  /** `left right` per merge, best first. */
  readonly merges: Utf8Strings;
  readonly family: PreTokenizerFamily;
}

/**
 * Byte-pair encoding as in llama.cpp. A symbol that is not a token, because it has no piece or a merge made something
 * that the vocabulary lacks, falls back to its bytes; bytes without a piece are dropped.
 */
export function ggufBpe({ vocabulary, merges, family }: BpeOptions): GgufModel {
  const symbols = new SymbolTable(vocabulary);
  const table = mergeTable(merges, symbols);
  const tokensOf = remembering(
    family.plainText
      ? characterWords(vocabulary, symbols, table)
      : byteWords(vocabulary, symbols, table, family.ignoreMerges),
  );
  return {
    mergeRank: rankOf(symbols, table),
    tokenize(text) {
      const written = family.plainText ? text.replaceAll(' ', SPACE) : text;
      const tokens: WordToken[] = [];
      for (const [from, to] of family.split(written)) {
        for (const { id, start, end } of tokensOf(written.slice(from, to))) {
          tokens.push({ id, start: from + start, end: from + end });
        }
      }
      return tokens;
    },
  };
}

/** Ranks by the text of symbols, some of which are no tokens. */
function rankOf(symbols: SymbolTable, table: MergeTable): MergeRank {
  const encoder = new TextEncoder();
  const idOf = (text: string) => {
    const bytes = encoder.encode(text);
    return symbols.find(bytes, 0, bytes.length);
  };
  return (left, right) => {
    const [leftId, rightId] = [idOf(left), idOf(right)];
    const slot = leftId === -1 || rightId === -1 ? -1 : table.find(leftId, rightId);
    return slot === -1 ? null : table.rank(slot);
  };
}

function mergeTable({ length, blob, offsets }: Utf8Strings, symbols: SymbolTable): MergeTable {
  const table = new MergeTable(length);
  let joined = new Uint8Array(256);
  for (let rank = 0; rank < length; rank++) {
    const [start, end] = [offsets[rank], offsets[rank + 1]];
    // The first character may itself be a space.
    const space = blob.indexOf(0x20, start + 1);
    if (space === -1 || space >= end) continue;
    const size = end - start - 1;
    if (size > joined.length) joined = new Uint8Array(2 * size);
    joined.set(blob.subarray(start, space));
    joined.set(blob.subarray(space + 1, end), space - start);
    table.add(
      symbols.intern(blob, start, space),
      symbols.intern(blob, space + 1, end),
      rank,
      symbols.intern(joined, 0, size),
    );
  }
  return table;
}

/** Byte-level: each byte of a word is a symbol, written as a character of GPT-2's alphabet. */
function byteWords(
  vocabulary: Vocabulary,
  symbols: SymbolTable,
  table: MergeTable,
  ignoreMerges: boolean,
): WordTokenizer {
  const encoder = new TextEncoder();
  const characters = BYTE_CHARACTERS.map((character) => encoder.encode(character));
  const byteIds = Int32Array.from(characters, (character) => symbols.find(character, 0, character.length));
  const isAscii = (byte: number) => characters[byte].length === 1;
  let written = new Uint8Array(64);

  const wholeWord = (bytes: Uint8Array): number => {
    if (2 * bytes.length > written.length) written = new Uint8Array(4 * bytes.length);
    let length = 0;
    for (const byte of bytes) for (const part of characters[byte]) written[length++] = part;
    return vocabulary.idOfBytes(written, 0, length);
  };
  return (word) => {
    const bytes = encoder.encode(word);
    if (ignoreMerges) {
      const id = wholeWord(bytes);
      if (id !== -1) return [{ id, start: 0, end: word.length }];
    }
    const ids = Int32Array.from(bytes, (byte) => byteIds[byte]);
    const sizes = new Int32Array(bytes.length).fill(1);
    const count = mergePairs(ids, sizes, bytes.length, table);
    // A symbol that is not a token: llama.cpp looks up its raw bytes, and finds only those of ASCII.
    const fallback = (byte: number) => (isAscii(byte) ? vocabulary.idOfBytes(characters[byte], 0, 1) : -1);
    return finished(word, bytes, ids, sizes, count, vocabulary.size, fallback);
  };
}

/** SentencePiece: each character is a symbol. */
function characterWords(vocabulary: Vocabulary, symbols: SymbolTable, table: MergeTable): WordTokenizer {
  const encoder = new TextEncoder();
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => vocabulary.id(bytePiece(byte)) ?? -1);
  return (word) => {
    if (/^\n+$/.test(word)) {
      const id = vocabulary.id(word);
      if (id !== undefined) return [{ id, start: 0, end: word.length }];
    }
    const bytes = encoder.encode(word);
    const ids = new Int32Array(bytes.length);
    const sizes = new Int32Array(bytes.length);
    let count = 0;
    for (let at = 0; at < bytes.length; count++) {
      const length = characterLength(bytes[at]);
      ids[count] = symbols.find(bytes, at, at + length);
      sizes[count] = length;
      at += length;
    }
    count = mergePairs(ids, sizes, count, table);
    return finished(word, bytes, ids, sizes, count, vocabulary.size, (byte) => byteIds[byte]);
  };
}

/** The tokens of the symbols. Symbols that are not tokens become the tokens of their bytes, if there are any. */
function finished(
  word: string,
  bytes: Uint8Array,
  ids: Int32Array,
  sizes: Int32Array,
  count: number,
  vocabularySize: number,
  fallback: (byte: number) => number,
): WordToken[] {
  let allTokens = true;
  for (let i = 0; i < count; i++) if (ids[i] < 0 || ids[i] >= vocabularySize) allTokens = false;
  if (allTokens) return rangesOf(word, ids, sizes, count);
  const ends: number[] = [];
  const found: number[] = [];
  for (let i = 0, at = 0; i < count; at += sizes[i++]) {
    if (ids[i] >= 0 && ids[i] < vocabularySize) {
      found.push(ids[i]);
      ends.push(sizes[i]);
    } else {
      for (let byte = at; byte < at + sizes[i]; byte++) {
        found.push(fallback(bytes[byte]));
        ends.push(1);
      }
    }
  }
  return rangesOf(word, Int32Array.from(found), Int32Array.from(ends), found.length).filter(({ id }) => id !== -1);
}
