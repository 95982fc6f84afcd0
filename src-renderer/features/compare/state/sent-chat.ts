import type { WhenFull } from '../../../../src-main/engine/api/types.ts';
import type { ComparedMessage, ComparedPrompt } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import type { ChatDocument, ChatTurn } from '../../chat/state/chat-document.svelte.ts';

/** A chat that was sent to Compare. */
export interface SentChat {
  readonly title: string;
  /** Oldest first, without the system prompt; the last is the user's. */
  readonly messages: readonly ComparedMessage[];
  readonly systemPrompt: string;
  /** What happens when the context window is full. Absent: the reply stops. */
  readonly whenFull?: WhenFull;
}

/** The part of a chat that the lanes answer: up to a message of the user, or up to the one that a reply answers. */
export function sentChat(chat: ChatDocument, turn: ChatTurn, whenFull: WhenFull): SentChat {
  const before = chat.messages(turn).flatMap(({ message: { role, text } }): ComparedMessage[] => {
    return role === 'system' ? [] : [{ role, text }];
  });
  const messages = turn.role === 'user' ? [...before, { role: 'user' as const, text: turn.text }] : before;
  const { title, systemPrompt } = chat;
  return { title, messages, systemPrompt, ...(whenFull === 'stop' ? {} : { whenFull }) };
}

/** What lanes are asked. */
export function promptOfChat({ messages, whenFull }: SentChat): ComparedPrompt {
  return { kind: 'chat', messages: [...messages], ...(whenFull === undefined ? {} : { whenFull }) };
}
