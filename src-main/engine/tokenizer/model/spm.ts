import type { Vocabulary } from '../vocabulary.ts';
import { PairHeap } from './byte-pair.ts';
import type { TokenModel, WordToken } from './model.ts';

export interface SpmOptions {
  readonly vocabulary: Vocabulary;
  /** `[vocabulary]`: pieces of a higher score are made first. */
  readonly scores: ArrayLike<number>;
  /** Stands for what neither pieces nor bytes can spell. */
  readonly unkTokenId: number | null;
}

/**
 * SentencePiece's BPE (Kudo and Richardson, 2018) as llama.cpp runs it: characters are joined to pieces, those of the
 * highest score first, leftmost first; characters that are no piece become their UTF-8 bytes. Takes O(n log n).
 */
export function spm({ vocabulary, scores, unkTokenId }: SpmOptions): TokenModel {
  const ranks = rankByScore(scores, vocabulary.size);
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => vocabulary.id(bytePiece(byte)) ?? -1);
  const encoder = new TextEncoder();

  /** Tokens of a symbol that is no piece. */
  function bytesOf(symbol: string, start: number, tokens: WordToken[]): void {
    const end = start + symbol.length;
    for (const byte of encoder.encode(symbol)) {
      const id = byteIds[byte] === -1 ? unkTokenId : byteIds[byte];
      if (id !== null) tokens.push({ id, start, end });
    }
  }

  return {
    unkTokenId,
    tokenize(word) {
      const symbols = joinSymbols(word, vocabulary, ranks);
      const tokens: WordToken[] = [];
      for (const [start, end] of symbols) {
        const symbol = word.slice(start, end);
        const id = vocabulary.id(symbol);
        if (id === undefined) bytesOf(symbol, start, tokens);
        else tokens.push({ id, start, end });
      }
      return tokens;
    },
  };
}

/** The piece that stands for a byte: `<0x0A>`. */
export function bytePiece(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Equal scores have equal ranks; the highest has rank 0. */
function rankByScore(scores: ArrayLike<number>, count: number): Int32Array {
  const distinct = [...new Set(Array.from({ length: count }, (_, id) => scores[id]))].sort((a, b) => b - a);
  const rankOf = new Map(distinct.map((score, rank) => [score, rank]));
  return Int32Array.from({ length: count }, (_, id) => rankOf.get(scores[id]) ?? 0);
}

/** UTF-16 ranges of the symbols that are left when nothing more can be joined. */
function joinSymbols(word: string, vocabulary: Vocabulary, ranks: Int32Array): [number, number][] {
  const starts = characterStarts(word);
  const count = starts.length;
  // `[count]` symbols as a list; `ends` is 0 for one that was joined to the symbol before it.
  const ends = Int32Array.from({ length: count }, (_, i) => starts[i + 1] ?? word.length);
  const next = Int32Array.from({ length: count }, (_, i) => i + 1);
  const previous = Int32Array.from({ length: count }, (_, i) => i - 1);

  /** Rank of the piece that a symbol and the one after it make; -1 when they make none. */
  const rankAfter = (left: number): number => {
    const right = left < 0 || ends[left] === 0 ? count : next[left];
    if (right >= count || ends[right] - starts[left] > vocabulary.longestPiece) return -1;
    const id = vocabulary.id(word.slice(starts[left], ends[right]));
    return id === undefined ? -1 : ranks[id];
  };
  const heap = new PairHeap();
  const offer = (left: number) => {
    const rank = rankAfter(left);
    if (rank !== -1) heap.push(rank, left);
  };

  for (let i = 0; i + 1 < count; i++) offer(i);
  while (heap.size > 0) {
    const { rank } = heap;
    const left = heap.pop();
    // Entries go stale when a neighbour was joined; they are recognised by not being what they were.
    if (rankAfter(left) !== rank) continue;
    const right = next[left];
    ends[left] = ends[right];
    ends[right] = 0;
    next[left] = next[right];
    if (next[left] < count) previous[next[left]] = left;
    offer(previous[left]);
    offer(left);
  }
  const symbols: [number, number][] = [];
  for (let i = 0; i < count; i = next[i]) symbols.push([starts[i], ends[i]]);
  return symbols;
}

/** UTF-16 offsets at which characters begin. */
function characterStarts(word: string): number[] {
  const starts: number[] = [];
  for (let at = 0; at < word.length; at += (word.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) starts.push(at);
  return starts;
}
