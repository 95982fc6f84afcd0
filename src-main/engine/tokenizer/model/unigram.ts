import { CharTrie } from './char-trie.ts';
import type { TokenModel, WordToken } from './model.ts';
import { bytePiece } from './byte-piece.ts';

/** Penalty of an unknown character relative to the least likely piece. */
const UNKNOWN_PENALTY = 10;

export interface UnigramOptions {
  readonly pieces: readonly string[];
  /** `[pieces]` log-probabilities. */
  readonly scores: Float64Array;
  readonly unkTokenId: number | null;
  /** Whether unknown characters become the pieces of their UTF-8 bytes. */
  readonly byteFallback: boolean;
}

/**
 * Unigram (Kudo, 2018): the segmentation with the highest sum of scores. Ties go to the first one found, from left to
 * right, shorter pieces first. Adjacent unknown characters are one token. (Hugging Face `models/unigram`,
 * `encode_optimized`.) Time is proportional to the length of the text times that of the longest piece.
 *
 * @throws from `tokenize` by `missingUnknown` when a text needs an unknown token and there is none
 */
export function unigram(
  { pieces, scores, unkTokenId, byteFallback }: UnigramOptions,
  missingUnknown: () => Error,
): TokenModel {
  const trie = new CharTrie();
  pieces.forEach((piece, id) => trie.add(piece, id));
  const unkScore = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
  const idOf = (text: string) => {
    const node = trie.walk(text);
    return node === -1 ? -1 : trie.value(node);
  };
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => idOf(bytePiece(byte)));
  const encoder = new TextEncoder();

  /** Per position: start of the best piece that ends there and whether it is unknown, as `2 * start + unknown`. */
  function bestPieces(text: string): Int32Array {
    const best = new Float64Array(text.length + 1);
    const from = new Int32Array(text.length + 1).fill(-1);
    const offer = (end: number, score: number, source: number) => {
      if (from[end] !== -1 && score <= best[end]) return;
      best[end] = score;
      from[end] = source;
    };
    for (let start = 0; start < text.length;) {
      const single = start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
      let hasSingle = false;
      let node = CharTrie.ROOT;
      for (let end = start; end < text.length;) {
        node = trie.child(node, text.charCodeAt(end++));
        if (node === -1) break;
        const id = trie.value(node);
        if (id === -1) continue;
        offer(end, best[start] + scores[id], 2 * start + (id === unkTokenId ? 1 : 0));
        if (end === single) hasSingle = true;
      }
      if (!hasSingle) offer(single, best[start] + unkScore, 2 * start + 1);
      start = single;
    }
    return from;
  }

  /** Appends the token of a range, or those of its bytes. */
  function pushTokens(text: string, start: number, end: number, tokens: WordToken[]): void {
    const stretch = text.slice(start, end);
    const id = idOf(stretch);
    if (id !== -1) tokens.push({ id, start, end });
    else if (byteFallback && encoder.encode(stretch).every((byte) => byteIds[byte] !== -1)) {
      pushBytes(stretch, start, tokens);
    } else if (unkTokenId === null) throw missingUnknown();
    else tokens.push({ id: unkTokenId, start, end });
  }

  function pushBytes(stretch: string, start: number, tokens: WordToken[]): void {
    for (const character of stretch) {
      const end = start + character.length;
      for (const byte of encoder.encode(character)) tokens.push({ id: byteIds[byte], start, end });
      start = end;
    }
  }

  return {
    unkTokenId,
    tokenize(word) {
      const from = bestPieces(word);
      const stretches: [start: number, end: number][] = [];
      let unknownEnd = -1;
      for (let end = word.length; end > 0;) {
        const start = from[end] >> 1;
        const unknown = (from[end] & 1) === 1;
        const previous = stretches.at(-1);
        if (unknown && previous && unknownEnd === end) previous[0] = start;
        else stretches.push([start, end]);
        unknownEnd = unknown ? start : -1;
        end = start;
      }
      const tokens: WordToken[] = [];
      for (const [start, end] of stretches.reverse()) pushTokens(word, start, end, tokens);
      return tokens;
    },
  };
}
