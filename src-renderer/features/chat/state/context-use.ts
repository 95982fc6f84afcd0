import { formatCount } from '../../../ui/format.ts';
import type { Reply } from './reply.svelte.ts';

export interface ContextUse {
  /** The system prompt, tokens. */
  system: number;
  /** What else the model read before the reply and still has in the window, tokens. */
  history: number;
  /** What of the latest run is in the window, tokens. */
  reply: number;
  used: number;
  size: number;
  level: 'ok' | 'warn' | 'danger';
}

/**
 * How full the window is after a reply, as far as it is written. A reply that went on in a full window dropped tokens:
 * never the system prompt, then the oldest.
 *
 * @param reply null: nothing was read yet @param size of the window, tokens
 */
export function contextUse(reply: Reply | null, size: number): ContextUse {
  const used = reply === null ? 0 : usedBy(reply);
  if (reply === null || used === 0) return { system: 0, history: 0, reply: 0, used, size, level: levelOf(used, size) };
  const system = Math.min(reply.facts.systemTokens, reply.promptTokens, used);
  const written = reply.count - reply.runStart;
  const history = Math.min(used - system, Math.max(0, reply.promptTokens - system - droppedTokens(reply)));
  // The newest token is in the window only once it was read, which the engine may not have done.
  return {
    system,
    history,
    reply: Math.max(0, Math.min(used - system - history, written)),
    used,
    size,
    level: levelOf(used, size),
  };
}

/** Tokens that were read or written by the latest run and are not in the window any more. */
export function droppedTokens(reply: Reply): number {
  return Math.max(0, reply.promptTokens + reply.count - reply.runStart - usedBy(reply));
}

/** Tokens in the window. A reply that was interrupted, or that another page writes, has not said how many at its end. */
function usedBy(reply: Reply): number {
  if (reply.running || reply.stop !== null) return reply.contextUsed;
  return reply.promptTokens + reply.count - reply.runStart;
}

export function levelOf(used: number, size: number): ContextUse['level'] {
  const share = size === 0 ? 0 : used / size;
  return share >= 0.95 ? 'danger' : share >= 0.8 ? 'warn' : 'ok';
}

/** What a reply did not read although it is above it in the chat, in a sentence; null: nothing. */
export function droppedText(reply: Reply): string | null {
  const { droppedMessages } = reply.facts;
  const tokens = droppedTokens(reply);
  if (tokens === 0 && droppedMessages === 0) return null;
  const [count, what] = tokens > 0 ? [tokens, 'token'] : [droppedMessages, 'message'];
  const oldest = count === 1 ? `oldest ${what} was` : `oldest ${formatCount(count, what)} were`;
  return `The context window was full. The ${oldest} dropped.`;
}
