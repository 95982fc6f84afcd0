import type { PromptSegment } from '../../../src-main/engine/types.ts';
import type { AssistantTurn, ChatDocument, ChatTurn } from './chat-document.svelte.ts';
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

/** What a reply of a chat was written from, and the reply. */
export function contextRows(chat: ChatDocument, answer: AssistantTurn, reply: Reply): ContextRow[] {
  const before = chat.messages(answer);
  const rows = reply.segments.flatMap((segment): ContextRow[] => {
    const message = before[segment.message];
    // After Continue the last message is the beginning of the reply itself; its row below counts it.
    return message === undefined ? [] : [rowOf(segment, message.turn, message.message.text)];
  });
  const firstKept = rows.find((row) => !row.dropped && row.who !== 'system');
  // The newest turn always stays.
  if (firstKept && firstKept !== rows.at(-1)) firstKept.next = true;
  const own = reply.segments.find((segment) => segment.message === before.length)?.tokens ?? 0;
  const written = Math.max(0, reply.contextUsed - reply.promptTokens);
  const shared = { who: 'model', dropped: false, live: true, next: false } as const;
  return [...rows, { ...shared, key: answer.id, text: firstWords(reply.text), tokens: own + written }];
}

function rowOf(segment: PromptSegment, turn: ChatTurn | null, text: string): ContextRow {
  return {
    key: turn?.id ?? 'system',
    who: turn === null ? 'system' : turn.role === 'user' ? 'you' : 'model',
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
