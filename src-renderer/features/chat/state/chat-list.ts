import type { ChatSummary } from '../../../../src-main/protocol/app/chats/chat.ts';

/** What lists show of a chat, besides its day. */
const LISTED = ['title', 'pinned', 'folder', 'branches'] as const satisfies (keyof ChatSummary)[];

/** Newest first. */
export function newestFirst(chats: readonly ChatSummary[]): ChatSummary[] {
  return [...chats].sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
}

/**
 * The list, newest first, with one chat changed. Returns the same list if nothing visible changes, so a running reply,
 * whose chat is already the newest, costs nothing.
 */
export function withChat(list: readonly ChatSummary[], chat: ChatSummary): readonly ChatSummary[] {
  const first = list[0];
  const isSame = first?.id === chat.id && LISTED.every((key) => first[key] === chat[key]);
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
