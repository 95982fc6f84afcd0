import type { PromptSegment } from '../../../../src-main/engine/api/types.ts';
import { formatCount } from '../../../ui/format.ts';
import { UserTurn, type ChatDocument, type ChatTurn } from '../state/chat-document.svelte.ts';
import { contextUse } from '../state/context-use.ts';
import type { Reply } from '../state/reply.svelte.ts';

/** One thing that the model reads, in its order. */
export interface ContextRow {
  key: string;
  who: 'system' | 'you' | 'model' | 'earlier';
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
/** Of a longer chat the oldest rows are one. */
const MOST_ROWS = 200;

/** What a reply was written from. */
export interface PromptRows {
  rows: readonly ContextRow[];
  /** Tokens of the reply itself that were in the prompt: after Continue. */
  own: number;
}

/**
 * What a reply was written from. With the reply's own row they add up to what the window holds, but for what a template
 * puts around messages. Costs as much as the chat is long, so it must not depend on how far a reply is.
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
  // The oldest go first; the system prompt stays.
  const drop = (tokens: number): number => {
    const gone = Math.min(left, tokens);
    left -= gone;
    return tokens - gone;
  };
  const rows = segments.flatMap((segment): ContextRow[] => {
    const message = before[segment.message];
    // After Continue the last message is the beginning of the reply itself; its row counts it.
    if (message === undefined) return [];
    const isRead = !segment.dropped && segment.role !== 'system';
    const tokens = isRead ? drop(segment.tokens) : segment.tokens;
    const isGone = segment.dropped || (isRead && tokens === 0 && segment.tokens > 0);
    return [{ ...rowOf(segment, message.turn, message.message.text), tokens, dropped: isGone }];
  });
  const firstKept = rows.find((row) => !row.dropped && row.who !== 'system');
  // The newest turn always stays.
  if (firstKept && firstKept !== rows.at(-1)) firstKept.next = true;
  const own = segments.find((segment) => segment.message === before.length)?.tokens ?? 0;
  return { rows: withoutOldest(rows), own: drop(own) };
}

/** The system prompt and the newest rows; what is between them becomes one row. */
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

/** The reply itself, as far as it is written. */
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
