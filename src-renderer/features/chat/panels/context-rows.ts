import type { PromptSegment } from '../../../../src-main/engine/api/types.ts';
import { formatCount } from '../../../ui/format.ts';
import { UserTurn, type ChatDocument, type ChatTurn } from '../state/chat-document.svelte.ts';
import { contextUse } from '../state/context-use.ts';
import type { Reply } from '../state/reply.svelte.ts';

/** A message in the context window. */
export interface ContextRow {
  key: string;
  who: 'system' | 'you' | 'model' | 'earlier';
  /** The start of the message. */
  text: string;
  tokens: number;
  /** No longer in the window. */
  dropped: boolean;
  /** The current reply, which grows during generation. */
  live: boolean;
  /** Will be dropped next when the window is full. */
  next: boolean;
}

const FIRST_WORDS = 60;
/** In longer chats, the oldest rows are merged into one. */
const MOST_ROWS = 200;

/** The prompt of a reply. */
export interface PromptRows {
  rows: readonly ContextRow[];
  /** Tokens of the reply that were in the prompt, after Continue. */
  own: number;
}

/**
 * The rows of a reply's prompt. Together with the reply's row they add up to the tokens in the window, apart from what
 * the template adds. The cost grows with the chat, so this must not depend on the length of the running reply.
 *
 * @param segments of the reply's prompt @param dropped tokens that the reply dropped when the window was full
 */
export function promptRows(
  chat: ChatDocument,
  reply: Reply,
  segments: readonly PromptSegment[],
  dropped: number,
): PromptRows {
  const before = chat.messages(reply);
  let left = dropped;
  // The oldest messages are dropped first. The system prompt is kept.
  const drop = (tokens: number): number => {
    const gone = Math.min(left, tokens);
    left -= gone;
    return tokens - gone;
  };
  const rows = segments.flatMap((segment): ContextRow[] => {
    const message = before[segment.message];
    // After Continue, the last message is the start of the reply, which has its own row.
    if (message === undefined) return [];
    const isRead = !segment.dropped && segment.role !== 'system';
    const tokens = isRead ? drop(segment.tokens) : segment.tokens;
    const isGone = segment.dropped || (isRead && tokens === 0 && segment.tokens > 0);
    return [{ ...rowOf(segment, message.turn, message.message.text), tokens, dropped: isGone }];
  });
  const firstKept = rows.find((row) => !row.dropped && row.who !== 'system');
  // The newest turn is always kept.
  if (firstKept && firstKept !== rows.at(-1)) firstKept.next = true;
  const own = segments.find((segment) => segment.message === before.length)?.tokens ?? 0;
  return { rows: withoutOldest(rows), own: drop(own) };
}

/** The system prompt and the newest rows, with everything between them merged into one row. */
function withoutOldest(rows: readonly ContextRow[]): readonly ContextRow[] {
  if (rows.length <= MOST_ROWS) return rows;
  const system = rows.filter(({ who }) => who === 'system');
  const others = rows.slice(system.length);
  const oldest = others.slice(0, others.length - MOST_ROWS);
  const earlier: ContextRow = {
    key: 'earlier',
    who: 'earlier',
    text: formatCount(oldest.length, 'earlier message'),
    tokens: oldest.reduce((sum, { tokens, dropped }) => sum + (dropped ? 0 : tokens), 0),
    dropped: oldest.every(({ dropped }) => dropped),
    live: false,
    next: oldest.some(({ next }) => next),
  };
  return [...system, earlier, ...others.slice(-MOST_ROWS)];
}

/** The row of the reply so far. */
export function replyRow(reply: Reply, own: number): ContextRow {
  const tokens = own + contextUse(reply, 0).reply;
  const text = firstWords(reply.slice(0, FIRST_WORDS));
  return { key: reply.id, who: 'model', text, tokens, dropped: false, live: true, next: false };
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
