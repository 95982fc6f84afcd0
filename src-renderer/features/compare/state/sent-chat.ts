import type { ComparedMessage } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import type { ChatDocument, ChatTurn } from '../../chat/state/chat-document.svelte.ts';

/** A chat that was sent to Compare. */
export interface SentChat {
  readonly title: string;
  /** Oldest first, without the system prompt; the last is the user's. */
  readonly messages: readonly ComparedMessage[];
  readonly systemPrompt: string;
}

/** The part of a chat that the lanes answer: up to a message of the user, or up to the one that a reply answers. */
export function sentChat(chat: ChatDocument, turn: ChatTurn): SentChat {
  const before = chat.messages(turn).flatMap(({ message: { role, text } }): ComparedMessage[] => {
    return role === 'system' ? [] : [{ role, text }];
  });
  const messages = turn.role === 'user' ? [...before, { role: 'user' as const, text: turn.text }] : before;
  return { title: chat.title, messages, systemPrompt: chat.systemPrompt };
}
