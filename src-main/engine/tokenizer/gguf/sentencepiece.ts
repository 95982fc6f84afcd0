import { PairHeap } from '../model/byte-pair.ts';
import type { WordToken } from '../model/model.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { characterLength } from './bpe.ts';
import { bytePiece, SPACE, type GgufModel } from './model.ts';

export interface SentencePieceOptions {
  readonly vocabulary: Vocabulary;
  /** `[vocabulary]`: pieces of a higher score are made first. NaN counts as the lowest. */
  readonly scores: ArrayLike<number>;
  /** Stands for what neither pieces nor bytes can spell; null: it vanishes. */
  readonly unkTokenId: number | null;
  /** Texts begin with a space of their own, also after a special token. */
  readonly addSpacePrefix: boolean;
}

/**
 * SentencePiece's BPE (Kudo and Richardson, 2018) as llama.cpp runs it: characters are joined to pieces, those of the
 * highest score first, leftmost first; characters that are no piece become their UTF-8 bytes. Takes O(n log n).
 */
export function sentencePiece(options: SentencePieceOptions): GgufModel {
  const { vocabulary, unkTokenId, addSpacePrefix } = options;
  const ranks = rankByScore(options.scores, vocabulary.size);
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => {
    const single = vocabulary.idOfBytes(Uint8Array.of(byte), 0, 1);
    return vocabulary.id(bytePiece(byte)) ?? (single === -1 ? (unkTokenId ?? -1) : single);
  });
  const encoder = new TextEncoder();

  return {
    tokenize(text, afterToken) {
      const prefix = addSpacePrefix && afterToken ? 1 : 0;
      const bytes = encoder.encode((prefix ? SPACE : '') + text.replaceAll(' ', SPACE));
      const { starts, ends, next } = joinSymbols(bytes, vocabulary, ranks);
      const tokens: WordToken[] = [];
      // UTF-16 offset in the text; the space put before it is empty there.
      let unit = -prefix;
      for (let i = 0; i < starts.length; i = next[i]) {
        const start = Math.max(0, unit);
        for (let at = starts[i]; at < ends[i]; at += characterLength(bytes[at])) unit += bytes[at] >= 0xf0 ? 2 : 1;
        const id = vocabulary.idOfBytes(bytes, starts[i], ends[i]);
        if (id !== -1) tokens.push({ id, start, end: unit });
        else {
          for (let at = starts[i]; at < ends[i]; at++) {
            if (byteIds[bytes[at]] !== -1) tokens.push({ id: byteIds[bytes[at]], start, end: unit });
          }
        }
      }
      return tokens;
    },
  };
}

/** Equal scores have equal ranks; the highest has rank 0. */
function rankByScore(scores: ArrayLike<number>, count: number): Int32Array {
  const costs = new Float32Array(count);
  for (let id = 0; id < count; id++) costs[id] = Number.isNaN(scores[id]) ? Infinity : -scores[id];
  const sorted = Float32Array.from(costs).sort();
  const ranks = new Int32Array(count);
  for (let id = 0; id < count; id++) {
    // The first place among equal ones (binary search).
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle] < costs[id]) low = middle + 1;
      else high = middle;
    }
    ranks[id] = low;
  }
  return ranks;
}

/** `[characters]` symbols as a list from 0 on: where each begins and ends in `bytes`, and which is next. */
interface Symbols {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly next: Int32Array;
}

/** The symbols that are left when nothing more can be joined. */
function joinSymbols(bytes: Uint8Array, vocabulary: Vocabulary, ranks: Int32Array): Symbols {
  const starts = characterStarts(bytes);
  const count = starts.length;
  // `ends` is 0 for a symbol that was joined to the one before it.
  const ends = Int32Array.from(starts, (_, i) => (i + 1 < count ? starts[i + 1] : bytes.length));
  const next = Int32Array.from(starts, (_, i) => i + 1);
  const previous = Int32Array.from(starts, (_, i) => i - 1);

  /** Rank of the piece that a symbol and the one after it make; -1 when they make none. */
  const rankAfter = (left: number): number => {
    const right = left < 0 || ends[left] === 0 ? count : next[left];
    if (right >= count || ends[right] - starts[left] > vocabulary.longestBytes) return -1;
    const id = vocabulary.idOfBytes(bytes, starts[left], ends[right]);
    return id === -1 ? -1 : ranks[id];
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
  return { starts, ends, next };
}

/** Offsets at which characters begin. */
function characterStarts(bytes: Uint8Array): Int32Array {
  const starts = new Int32Array(bytes.length);
  let count = 0;
  for (let at = 0; at < bytes.length; at += characterLength(bytes[at])) starts[count++] = at;
  return starts.subarray(0, count);
}
