import { PairHeap } from '../model/byte-pair.ts';
import { bytePiece } from '../model/byte-piece.ts';
import type { WordToken } from '../model/model.ts';
import { PossibleJoins } from '../model/possible-joins.ts';
import { remembering } from '../model/remembered.ts';
import { characterLength, utf16Length } from '../utf8.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { SPACE, type GgufModel } from './model.ts';

export interface SentencePieceOptions {
  readonly vocabulary: Vocabulary;
  /** `[vocabulary]`: pieces with a higher score are joined first. NaN counts as the lowest. */
  readonly scores: ArrayLike<number>;
  /** For text without pieces and bytes; null drops it. */
  readonly unkTokenId: number | null;
  /** Whether texts are given a leading space, also after a special token. */
  readonly addSpacePrefix: boolean;
}

const NOTHING = new Uint8Array(0);

/**
 * SentencePiece's BPE (Kudo and Richardson, 2018) as in llama.cpp: joins characters to pieces, highest score first, then
 * leftmost first; characters without a piece become their UTF-8 bytes. O(n log n).
 */
export function sentencePiece(options: SentencePieceOptions): GgufModel {
  const { vocabulary, unkTokenId, addSpacePrefix } = options;
  const ranks = rankByScore(options.scores, vocabulary.size);
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => {
    const single = vocabulary.idOfBytes(Uint8Array.of(byte), 0, 1);
    return vocabulary.id(bytePiece(byte)) ?? (single === -1 ? (unkTokenId ?? -1) : single);
  });
  const joins = new PossibleJoins();
  for (let id = 0; id < vocabulary.size; id++) joins.addPiece(vocabulary.bytes(id) ?? NOTHING);
  const encoder = new TextEncoder();

  const tokensOf = remembering((stretch) => {
    const bytes = encoder.encode(stretch);
    const { starts, ends, next } = joinSymbols(bytes, vocabulary, ranks);
    const tokens: WordToken[] = [];
    let end = 0;
    for (let i = 0; i < starts.length; i = next[i]) {
      const start = end;
      end += utf16Length(bytes, starts[i], ends[i]);
      const id = vocabulary.idOfBytes(bytes, starts[i], ends[i]);
      if (id !== -1) tokens.push({ id, start, end });
      else {
        for (let at = starts[i]; at < ends[i]; at++) {
          if (byteIds[bytes[at]] !== -1) tokens.push({ id: byteIds[bytes[at]], start, end });
        }
      }
    }
    return tokens;
  });

  return {
    mergeRank(left, right) {
      const id = vocabulary.id(left + right);
      return id === undefined ? null : ranks[id];
    },
    tokenize(text, afterToken) {
      const prefix = addSpacePrefix && afterToken ? SPACE : '';
      const written = prefix + text.replaceAll(' ', SPACE);
      const tokens: WordToken[] = [];
      joins.eachStretch(written, (from, to) => {
        // The space added before the text has an empty range.
        const offset = from - prefix.length;
        for (const { id, start, end } of tokensOf(written.slice(from, to))) {
          tokens.push({ id, start: Math.max(0, offset + start), end: offset + end });
        }
      });
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
    // The first position among equal ones (binary search).
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

/** `[characters]` symbols as a linked list from 0 on: start and end in `bytes`, and the next symbol. */
interface Symbols {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly next: Int32Array;
}

/** The symbols when nothing more can be joined. */
function joinSymbols(bytes: Uint8Array, vocabulary: Vocabulary, ranks: Int32Array): Symbols {
  const starts = characterStarts(bytes);
  const count = starts.length;
  const ends = Int32Array.from(starts, (_, i) => (i + 1 < count ? starts[i + 1] : bytes.length));
  const next = Int32Array.from(starts, (_, i) => i + 1);
  const previous = Int32Array.from(starts, (_, i) => i - 1);

  /** `[characters]`: rank of the piece that a symbol and the next one form; -1 if none. */
  const ranksAfter = new Int32Array(count).fill(-1);
  const heap = new PairHeap();
  const offer = (left: number) => {
    if (left < 0) return;
    const right = next[left];
    let rank = -1;
    if (right < count && ends[right] - starts[left] <= vocabulary.longestBytes) {
      const id = vocabulary.idOfBytes(bytes, starts[left], ends[right]);
      if (id !== -1) rank = ranks[id];
    }
    ranksAfter[left] = rank;
    if (rank !== -1) heap.push(rank, left);
  };

  for (let i = 0; i + 1 < count; i++) offer(i);
  while (heap.size > 0) {
    const { rank } = heap;
    const left = heap.pop();
    // An entry is stale once a neighbour was joined; its rank then differs.
    if (ranksAfter[left] !== rank) continue;
    const right = next[left];
    ends[left] = ends[right];
    ranksAfter[right] = -1;
    next[left] = next[right];
    if (next[left] < count) previous[next[left]] = left;
    offer(previous[left]);
    offer(left);
  }
  return { starts, ends, next };
}

/** Offsets of the characters. */
function characterStarts(bytes: Uint8Array): Int32Array {
  const starts = new Int32Array(bytes.length);
  let count = 0;
  for (let at = 0; at < bytes.length; at += characterLength(bytes[at])) starts[count++] = at;
  return starts.subarray(0, count);
}
