import type { DeletedChat } from '../../src-main/protocol/app/recently-deleted.ts';
import { agoText } from '../features/models/ago.ts';
import { formatCount, formatDate } from '../ui/format.ts';
import { kindOf } from './chat-kind.ts';

/** The title, or a replacement if it was lost. */
export function deletedName(chat: Pick<DeletedChat, 'title' | 'notebook'>): string {
  return chat.title === '' ? `${kindOf(chat)} without a title` : chat.title;
}

/** When a chat was deleted, how long it is, and until when it can be restored. */
export function deletedText({ deletedAt, keptUntil, turns, notebook }: DeletedChat, now: Date): string {
  return [
    `Deleted ${agoText(deletedAt, now)}`,
    ...(notebook ? [] : [formatCount(turns, 'message')]),
    `kept until ${formatDate(new Date(keptUntil))}`,
  ].join(' · ');
}
