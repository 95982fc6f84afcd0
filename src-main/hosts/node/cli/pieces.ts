import type { EngineApi } from '../../../protocol/engine/api.ts';

/** Piece of the vocabulary by id. */
export type Pieces = ReadonlyMap<number, string>;

/** The pieces of all `ids`. */
export async function piecesOf(client: EngineApi, ids: readonly number[], signal: AbortSignal): Promise<Pieces> {
  const unique = [...new Set(ids)];
  const { pieces } = await client.call('detokenize', { ids: unique, skipSpecial: false }, { signal });
  return new Map(unique.map((id, i) => [id, pieces[i]!]));
}
