import type { ChatMessage } from '../api/types.ts';

/** A message with its place in the whole chat, which stays when others are left out. */
export interface NumberedMessage extends ChatMessage {
  readonly index: number;
}

/** `[start, end)` of a text, UTF-16. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A stretch of a message. */
export interface Written extends Span {
  readonly role: ChatMessage['role'];
}

/** A chat as one text, and what of it came from where. */
export interface ChatText {
  readonly text: string;
  /** What people and models wrote, sorted, apart from each other: no special token is read there. */
  readonly written: readonly Written[];
  /** Which message a stretch is counted for, sorted, apart from each other. The rest belongs to none. */
  readonly owners: readonly (Span & { readonly message: number })[];
  /** Where the assistant's turn begins that the reply belongs to: after the last message before it. UTF-16. */
  readonly turnStart: number;
  /**
   * The template's source; null where there is none, and then no special token is read at all. Tokens that occur in it are
   * the structure of the chat: where a person writes one, it stays text, also when it is none of the special ones.
   */
  readonly template: string | null;
  /** What a person should know about how the text was made. */
  readonly notices: readonly string[];
}

/** Makes one text of a chat, which ends where the reply begins. */
export type ChatFormat = (messages: readonly NumberedMessage[]) => ChatText;
