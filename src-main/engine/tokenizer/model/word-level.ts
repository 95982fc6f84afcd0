import type { TokenModel } from './model.ts';

/** One token per word; a word that is not in the vocabulary is the unknown token. */
export function wordLevel(ids: ReadonlyMap<string, number>, unkTokenId: number): TokenModel {
  return {
    unkTokenId,
    tokenize: (word) => [{ id: ids.get(word) ?? unkTokenId, start: 0, end: word.length }],
  };
}
