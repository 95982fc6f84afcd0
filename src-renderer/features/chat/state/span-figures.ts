import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { Reply } from './reply.svelte.ts';

/** Figures of consecutive tokens of a reply. */
export interface SpanFigures {
  tokens: number;
  /** Of the whole reply. */
  ofTokens: number;
  /** Sum of the tokens' surprisal, bits. */
  bits: number;
  /** exp(-mean logprob); null if no model generated them. */
  perplexity: number | null;
  /** Their share of the reply's surprisal, 0..1; null if the reply has none. */
  share: number | null;
}

/** @param end index after the last token */
export function spanFigures(reply: Reply, first: number, end: number): SpanFigures {
  const span = surprisal(reply, first, end);
  const all = surprisal(reply, 0, reply.count);
  return {
    tokens: end - first,
    ofTokens: reply.count,
    bits: span.nats / Math.LN2,
    perplexity: span.known === 0 ? null : Math.exp(span.nats / span.known),
    share: all.nats === 0 ? null : span.nats / all.nats,
  };
}

/** Text without tokens has no surprisal. */
function surprisal(reply: Reply, first: number, end: number): { nats: number; known: number } {
  const { ids, logprobs } = reply.copyColumns(first, end);
  let nats = 0;
  let known = 0;
  for (const [at, id] of ids.entries()) {
    if (id === NO_TOKEN) continue;
    nats -= logprobs[at];
    known++;
  }
  return { nats, known };
}
