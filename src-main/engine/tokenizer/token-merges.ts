import type { TokenMerge } from '../api/inside-types.ts';

/** Rank of the merge of two adjacent symbols, given their pieces: lower is earlier. Null if they do not merge. */
export type MergeRank = (left: string, right: string) => number | null;

/** Longer pieces are runs of one character, whose merges explain nothing. */
const MAX_SYMBOLS = 64;

/**
 * The merges that make a piece of its characters, in the order in which a text's tokenization does them: merges never cross
 * the borders of a token that results, so those inside it are the same as in its text.
 * @returns none if they do not make the whole piece, or for one character
 */
export function mergesOf(piece: string, rankOf: MergeRank): TokenMerge[] {
  const symbols = Array.from(piece);
  if (symbols.length > MAX_SYMBOLS) return [];
  const merges: TokenMerge[] = [];
  while (symbols.length > 1) {
    let best: { at: number; rank: number } | null = null;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const rank = rankOf(symbols[at], symbols[at + 1]);
      if (rank !== null && (best === null || rank < best.rank)) best = { at, rank };
    }
    if (best === null) return [];
    const [left, right] = symbols.splice(best.at, 2, symbols[best.at] + symbols[best.at + 1]);
    merges.push({ left, right, rank: best.rank });
  }
  return merges;
}
