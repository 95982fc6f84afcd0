import type { ChatSummary } from '../../src-main/protocol/app/app-services.ts';

export interface ChatGroup {
  name: 'Today' | 'Yesterday' | 'Previous 7 days' | 'Older';
  chats: ChatSummary[];
}

/** Midnight at the start of the day `daysAgo` days before `now`, as this computer's calendar counts days. */
function startOfDay(now: Date, daysAgo: number): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo).getTime();
}

/**
 * Chats by the day of their last change, newest first. `Previous 7 days` starts the day before yesterday. Empty groups are left out.
 */
export function groupChats(chats: readonly ChatSummary[], now: Date): ChatGroup[] {
  const groups: (ChatGroup & { since: number })[] = [
    { name: 'Today', since: startOfDay(now, 0), chats: [] },
    { name: 'Yesterday', since: startOfDay(now, 1), chats: [] },
    { name: 'Previous 7 days', since: startOfDay(now, 7), chats: [] },
    { name: 'Older', since: -Infinity, chats: [] },
  ];
  // ISO 8601 sorts as text; reading thousands of dates again and again would take longer than drawing them.
  const newestFirst = [...chats].sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
  for (const chat of newestFirst) {
    const at = Date.parse(chat.updatedAt);
    groups.find((group) => at >= group.since)?.chats.push(chat);
  }
  return groups.filter((group) => group.chats.length > 0).map(({ name, chats: members }) => ({ name, chats: members }));
}
