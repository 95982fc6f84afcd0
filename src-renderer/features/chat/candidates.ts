import type { Candidate, GeneratedToken } from '../../../src-main/engine/types.ts';
import { formatPercent } from '../../ui/format.ts';

/** A row of the list of candidates; bars are 0..1 of the longest. */
export interface CandidateRow {
  key: number;
  label: string;
  before: number;
  after: number | null;
  value: string;
  picked: boolean;
  gone: boolean;
}

/** What a token could have been, best first; the token itself is always among the rows. */
export function candidateRows(token: GeneratedToken): CandidateRow[] {
  const chosen: Candidate = {
    id: token.id,
    piece: token.piece,
    logprob: token.logprob,
    sampledProbability: token.sampledProbability,
  };
  const known = token.candidates.some((candidate) => candidate.id === token.id);
  const candidates = known ? token.candidates : [...token.candidates, chosen];
  const scale = Math.max(...candidates.flatMap((one) => [Math.exp(one.logprob), one.sampledProbability ?? 0]), 1e-12);
  return candidates.map(({ id, piece, logprob, sampledProbability }) => ({
    key: id,
    label: piece,
    before: Math.exp(logprob) / scale,
    after: sampledProbability === null ? null : sampledProbability / scale,
    value: sampledProbability === null ? 'cut' : formatPercent(sampledProbability),
    picked: id === token.id,
    gone: sampledProbability === null,
  }));
}
