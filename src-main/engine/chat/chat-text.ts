import type { ChatMessage } from '../api/types.ts';

/** A message with its index in the whole chat, which stays the same when others are dropped. */
export interface NumberedMessage extends ChatMessage {
  readonly index: number;
}

/** `[start, end)` of a text, UTF-16. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A range of a message. */
export interface Written extends Span {
  readonly role: ChatMessage['role'];
}

/** A chat as one text, with the origin of its parts. */
export interface ChatText {
  readonly text: string;
  /** Text by people and models, sorted and disjoint. Special tokens are not parsed in it. */
  readonly written: readonly Written[];
  /** The message that each range belongs to, sorted and disjoint. The rest belongs to none. */
  readonly owners: readonly (Span & { readonly message: number })[];
  /** Start of the assistant's turn that the reply belongs to, after the last earlier message. UTF-16. */
  readonly turnStart: number;
  /**
   * The template's source; null if there is none, in which case no special token is parsed. Tokens that occur in it are
   * the structure of the chat: in a user's message they stay text, even if they are not special tokens.
   */
  readonly template: string | null;
  /** What people should know about how the text was made. */
  readonly notices: readonly string[];
}

/** Turns a chat into one text, which ends where the reply begins. */
export type ChatFormat = (messages: readonly NumberedMessage[]) => ChatText;
