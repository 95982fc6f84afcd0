import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import type { RecomputedTokens } from '../state/recomputed-tokens.svelte.ts';
import type { Reply } from '../state/reply.svelte.ts';

/** Whether a reply's tokens are coloured by something that is not stored. Reactive. */
export function needsScores(reply: Reply, by: TokenColours['by']): boolean {
  return by === 'entropy' || (by === 'rank' && reply.details.lacksRanks(reply.count));
}

/**
 * What the colours of a reply are based on; null if it is stored. Reactive.
 * @param busy the engine is generating: nothing is recomputed meanwhile
 */
export function colourBasis(
  reply: Reply,
  by: TokenColours['by'],
  { scores, blocked, problem }: Pick<RecomputedTokens, 'scores' | 'blocked' | 'problem'>,
  busy: boolean,
): string | null {
  if (reply.running || !needsScores(reply, by)) return null;
  const name = by === 'entropy' ? 'Entropy' : 'Ranks';
  if (scores !== null) return `${name} recomputed${scores.hasOtherPrompt ? ' with a different prompt' : ''}`;
  if (blocked !== null) return `${name} not stored. ${blocked}`;
  if (problem !== null) return `${name} could not be recomputed: ${problem}`;
  return busy ? `${name} will be recomputed after the reply` : `Recomputing ${name.toLowerCase()}…`;
}
