import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import { typedOf } from '../attachments/message-text.ts';
import type { ChatDocument } from './chat-document.svelte.ts';
import { titleFrom } from './title.ts';

const CONTINUED = ' (continued)';

/** The title that its first message gives a chat: what was typed, else the name of a file. */
export function titleOfMessage(typed: string, files: readonly { readonly name: string }[]): string {
  return titleFrom(typed.trim() === '' ? (files[0]?.name ?? '') : typed);
}

/** The title of a chat that continues another one, until its first message gives it its own. */
export function continuedTitle(title: string): string {
  return `${cutText(title, 180)}${CONTINUED}`;
}

/** Whether no person has named a chat. It may have the title of a message that was deleted. */
export function hasAutomaticTitle(chat: ChatDocument): boolean {
  const { title } = chat;
  if (title === '' || title.endsWith(CONTINUED)) return true;
  for (const turn of chat.followersOf(null, true)) {
    if (turn.role === 'user' && titleOfMessage(typedOf(turn), turn.attachments) === title) return true;
  }
  return false;
}
