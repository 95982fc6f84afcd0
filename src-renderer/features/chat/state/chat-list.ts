import type { ChatSummary } from '../../../../src-main/protocol/app/chats/chat.ts';
import { isSameRow } from '../../../../src-main/protocol/app/chats/list-row.ts';

/**
 * The list, newest first, with one chat changed. Returns the same list if nothing visible changes, so a running reply,
 * whose chat is already the newest, costs nothing.
 */
export function withChat(list: readonly ChatSummary[], chat: ChatSummary): readonly ChatSummary[] {
  const first = list[0];
  const isSame = first?.id === chat.id && isSameRow(first, chat);
  if (isSame && sameDay(first.updatedAt, chat.updatedAt)) return list;
  const others = list.filter(({ id }) => id !== chat.id);
  const place = others.findIndex(({ updatedAt }) => updatedAt <= chat.updatedAt);
  others.splice(place < 0 ? others.length : place, 0, chat);
  return others;
}

/** Chats are grouped by day. */
function sameDay(a: string, b: string): boolean {
  return a === b || new Date(a).toDateString() === new Date(b).toDateString();
}
