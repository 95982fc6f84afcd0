import type { DroppedTokens, PromptSegment } from '../../../../src-main/engine/api/types.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import { formatCount } from '../../../ui/format.ts';
import { UserTurn, type ChatDocument, type ChatTurn } from '../state/chat-document.svelte.ts';
import { contextUse } from '../state/context-use.ts';
import type { Reply } from '../state/reply.svelte.ts';

/** A message in the context window. */
export interface ContextRow {
  key: string;
  who: 'system' | 'you' | 'model' | 'earlier' | 'template';
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

/** The messages of a prompt, and what was dropped since. */
export interface ReadPrompt {
  readonly segments: readonly PromptSegment[];
  /** Null if nothing was dropped, or if it is only known how much. */
  readonly dropped: DroppedTokens | null;
}

/**
 * The rows of a reply's prompt. Together with the reply's row and the template's they add up to the tokens in the window.
 * The cost grows with the chat, so this must not depend on the length of the running reply.
 *
 * @param total tokens that the reply dropped when the window was full
 */
export function promptRows(
  chat: ChatDocument,
  reply: Reply,
  { segments, dropped }: ReadPrompt,
  total: number,
): PromptRows {
  const said = chat.messages(reply).filter(({ turn }) => turn !== null);
  // The chat may have got or lost its system prompt since.
  const first = segments.some(({ role }) => role === 'system') ? 1 : 0;
  const system = { turn: null, message: { text: reply.facts.run?.systemPrompt ?? chat.systemPrompt } };
  let left = total;
  // Only the total is known: the oldest messages are dropped first, and the system prompt is kept.
  const estimate = ({ role, tokens }: PromptSegment): number => {
    const gone = role === 'system' ? 0 : Math.min(left, tokens);
    left -= gone;
    return gone;
  };
  const gone = segments.map((segment, index) => {
    // What was left out of the prompt was never in the window; its row says how much it would be.
    if (segment.dropped) return 0;
    return dropped === null ? estimate(segment) : (dropped.segments[index] ?? 0);
  });
  const rows = segments.flatMap((segment, index): ContextRow[] => {
    const message = segment.message < first ? system : said[segment.message - first];
    // After Continue, the last message is the start of the reply, which has its own row.
    if (message === undefined) return [];
    const tokens = segment.tokens - gone[index];
    const isGone = segment.dropped || (tokens === 0 && segment.tokens > 0);
    return [{ ...rowOf(segment, message.turn, message.message.text), tokens, dropped: isGone }];
  });
  const firstKept = rows.find((row) => !row.dropped && row.who !== 'system');
  // The newest turn is always kept.
  if (firstKept && firstKept !== rows.at(-1)) firstKept.next = true;
  const at = segments.findIndex((segment) => segment.message === first + said.length);
  return { rows: withoutOldest(rows), own: at < 0 ? 0 : segments[at].tokens - gone[at] };
}

/** What the template adds between the messages; null if nothing. @param used tokens in the window */
export function templateRow(rows: readonly ContextRow[], used: number): ContextRow | null {
  const tokens = used - rows.reduce((sum, row) => sum + (row.dropped ? 0 : row.tokens), 0);
  if (tokens <= 0) return null;
  return { key: 'template', who: 'template', text: '', tokens, dropped: false, live: false, next: false };
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
  const text = firstWords(reply.slice(0, FIRST_WORDS + 1));
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
  return cutText(text, FIRST_WORDS).replaceAll(/\s+/gu, ' ').trim();
}
