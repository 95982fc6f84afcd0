import type { Candidate, SamplerName } from '../../../../src-main/engine/api/types.ts';
import type { TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import { visibleText } from '../../../lib/visible.ts';
import { formatPercent } from '../../../ui/format.ts';
import { STAGES } from '../sampling/stages.ts';
import type { ReplyToken } from '../state/reply.svelte.ts';

/** A row of the list of candidates. Bars are relative to the longest, 0..1. */
export interface CandidateRow {
  /** Its token id. */
  key: number;
  label: string;
  before: number;
  after: number | null;
  /** Its probability after the chain, or what removed it. */
  value: string;
  picked: boolean;
  gone: boolean;
  /** For screen readers and as a tooltip. */
  description: string;
}

/** Stages of the chain that are not samplers. */
const OTHER_STAGES: Readonly<Record<string, string>> = {
  mask: 'Mask',
  grammar: 'Grammar',
  banned_texts: 'Banned',
  continue: 'Continue',
  text_bias: 'Bias',
  logit_bias: 'Bias',
  mirostat: 'Mirostat',
  adaptive_p: 'Adaptive-p',
};

/** The candidates for a token, best first. The token itself is always included. */
export function candidateRows(token: ReplyToken, details: TokenDetails): CandidateRow[] {
  const chosen: Candidate = {
    id: token.id,
    piece: details.piece,
    logprob: token.logprob,
    // A token that a person chose, although the chain had removed it.
    sampledProbability: details.sampledProbability === 0 ? null : details.sampledProbability,
  };
  const known = details.candidates.some((candidate) => candidate.id === token.id);
  const candidates = known ? details.candidates : [...details.candidates, chosen];
  const scale = Math.max(...candidates.flatMap((one) => [Math.exp(one.logprob), one.sampledProbability ?? 0]), 1e-12);
  return candidates.map((candidate) => {
    const { id, piece, logprob, sampledProbability } = candidate;
    return {
      key: id,
      label: visibleText(piece),
      before: Math.exp(logprob) / scale,
      after: sampledProbability === null ? null : sampledProbability / scale,
      value: sampledProbability === null ? removedBy(candidate) : formatPercent(sampledProbability),
      picked: id === token.id,
      gone: sampledProbability === null,
      description: describe(candidate),
    };
  });
}

function removedBy({ removedBy: stage }: Candidate): string {
  if (stage === undefined) return 'cut';
  return Object.hasOwn(STAGES, stage) ? STAGES[stage as SamplerName].label : (OTHER_STAGES[stage] ?? stage);
}

function describe(candidate: Candidate): string {
  const { piece, logprob, sampledProbability } = candidate;
  const before = `${visibleText(piece)}, ${formatPercent(Math.exp(logprob))} likely`;
  if (sampledProbability !== null) return `${before}, ${formatPercent(sampledProbability)} after sampling`;
  return candidate.removedBy === undefined ? `${before}, cut` : `${before}, cut by ${removedBy(candidate)}`;
}
