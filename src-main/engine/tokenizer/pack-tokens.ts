import type { Tokenized, TokenPiece } from '../api/types.ts';

/** Packs the tokens of a text; properties of a token are stored once. */
export function packTokens(tokens: readonly TokenPiece[]): Tokenized {
  const ids: number[] = [];
  const ranges = new Int32Array(tokens.length * 2);
  const vocabulary: Tokenized['vocabulary'] = new Map();
  tokens.forEach(({ range, ...info }, index) => {
    ids.push(info.id);
    ranges.set(range ?? [-1, -1], index * 2);
    if (!vocabulary.has(info.id)) vocabulary.set(info.id, info);
  });
  return { ids, ranges, vocabulary };
}
