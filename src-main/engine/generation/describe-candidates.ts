import type { Candidate } from '../api/types.ts';
import type { Model } from '../models/model.ts';
import type { Removals } from '../sampling/removals.ts';
import type { SamplerChain } from '../sampling/sampler-chain.ts';
import { shownPiece } from './shown-piece.ts';

/**
 * Candidates with their probabilities after the chain.
 * @param top ids and logarithms of their raw probabilities @param removals of at least these, by the same chain
 */
export function describeCandidates(
  top: readonly [id: number, logprob: number][],
  chain: SamplerChain,
  model: Model,
  removals: Removals,
): Candidate[] {
  if (top.length === 0) return [];
  const sampled = chain.sampledProbabilities(top.map(([id]) => id));
  return top.map(([id, logprob], i) => {
    const candidate = { id, piece: shownPiece(model.tokenizer, id), logprob, sampledProbability: sampled[i] };
    const removedBy = removals.stageOf(id);
    return removedBy === undefined ? candidate : { ...candidate, removedBy };
  });
}
