import type { PromptSegment } from '../../../src-main/engine/types.ts';
import { UserTurn, type ChatDocument, type ChatTurn } from './chat-document.svelte.ts';
import { contextUse, droppedTokens } from './context-use.ts';
import type { Reply } from './reply.svelte.ts';

/** One thing that the model reads, in its order. */
export interface ContextRow {
  key: string;
  who: 'system' | 'you' | 'model';
  /** Its first words. */
  text: string;
  tokens: number;
  /** No longer read. */
  dropped: boolean;
  /** The reply itself, which grows while it is written. */
  live: boolean;
  /** Would be dropped first when the window is full. */
  next: boolean;
}

const FIRST_WORDS = 60;

/**
 * What a reply of a chat was written from, and the reply. Rows add up to what the window holds, but for what a template
 * puts around messages.
 *
 * @param segments of the reply's prompt
 */
export function contextRows(chat: ChatDocument, reply: Reply, segments: readonly PromptSegment[]): ContextRow[] {
  const before = chat.messages(reply);
  const own = segments.find((segment) => segment.message === before.length)?.tokens ?? 0;
  // A reply that went on in a full window dropped what is oldest; the system prompt stays.
  let left = droppedTokens(reply);
  const drop = (tokens: number): number => {
    const dropped = Math.min(left, tokens);
    left -= dropped;
    return tokens - dropped;
  };
  const rows = segments.flatMap((segment): ContextRow[] => {
    const message = before[segment.message];
    // After Continue the last message is the beginning of the reply itself; its row below counts it.
    if (message === undefined) return [];
    const isRead = !segment.dropped && segment.role !== 'system';
    const tokens = isRead ? drop(segment.tokens) : segment.tokens;
    const dropped = segment.dropped || (isRead && tokens === 0 && segment.tokens > 0);
    return [{ ...rowOf(segment, message.turn, message.message.text), tokens, dropped }];
  });
  const firstKept = rows.find((row) => !row.dropped && row.who !== 'system');
  // The newest turn always stays.
  if (firstKept && firstKept !== rows.at(-1)) firstKept.next = true;
  const written = contextUse(reply, 0).reply;
  const shared = { who: 'model', dropped: false, live: true, next: false } as const;
  return [...rows, { ...shared, key: reply.id, text: firstWords(reply.text), tokens: drop(own) + written }];
}

function rowOf(segment: PromptSegment, turn: ChatTurn | null, text: string): ContextRow {
  return {
    key: turn?.id ?? 'system',
    who: turn === null ? 'system' : turn instanceof UserTurn ? 'you' : 'model',
    text: firstWords(text),
    tokens: segment.tokens,
    dropped: segment.dropped,
    live: false,
    next: false,
  };
}

function firstWords(text: string): string {
  return text.slice(0, FIRST_WORDS).replaceAll(/\s+/gu, ' ').trim();
}
