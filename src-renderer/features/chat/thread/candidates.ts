import type { Candidate } from '../../../../src-main/engine/api/types.ts';
import type { TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import { visibleText } from '../../../lib/visible.ts';
import { formatPercent } from '../../../ui/format.ts';
import type { ReplyToken } from '../state/reply.svelte.ts';

/** A row of the list of candidates. Bars are relative to the longest, 0..1. */
export interface CandidateRow {
  key: number;
  label: string;
  before: number;
  after: number | null;
  value: string;
  picked: boolean;
  gone: boolean;
}

/** The candidates for a token, best first. The token itself is always included. */
export function candidateRows(token: ReplyToken, details: TokenDetails): CandidateRow[] {
  const chosen: Candidate = {
    id: token.id,
    piece: details.piece,
    logprob: token.logprob,
    sampledProbability: details.sampledProbability,
  };
  const known = details.candidates.some((candidate) => candidate.id === token.id);
  const candidates = known ? details.candidates : [...details.candidates, chosen];
  const scale = Math.max(...candidates.flatMap((one) => [Math.exp(one.logprob), one.sampledProbability ?? 0]), 1e-12);
  return candidates.map(({ id, piece, logprob, sampledProbability }) => ({
    key: id,
    label: visibleText(piece),
    before: Math.exp(logprob) / scale,
    after: sampledProbability === null ? null : sampledProbability / scale,
    value: sampledProbability === null ? 'cut' : formatPercent(sampledProbability),
    picked: id === token.id,
    gone: sampledProbability === null,
  }));
}
