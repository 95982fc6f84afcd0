import type { ChatSummary } from '../../src-main/protocol/app/chats/chat.ts';
import { groupByDay } from './day-groups.ts';

/** A section of the list of chats. */
export interface ChatGroup<T> {
  kind: 'pinned' | 'folder' | 'day';
  name: string;
  items: T[];
}

/** Pinned chats, then folders by name, then the others by day. */
export function groupChats<T extends Pick<ChatSummary, 'pinned' | 'folder' | 'updatedAt'>>(
  chats: readonly T[],
  now: Date,
): ChatGroup<T>[] {
  const pinned: T[] = [];
  const others: T[] = [];
  const folders = new Map<string, T[]>();
  for (const chat of chats) {
    if (chat.pinned) pinned.push(chat);
    else if (chat.folder === '') others.push(chat);
    else {
      const members = folders.get(chat.folder) ?? [];
      folders.set(chat.folder, members);
      members.push(chat);
    }
  }
  const named = [...folders].sort(([a], [b]) => a.localeCompare(b));
  return [
    ...(pinned.length === 0 ? [] : [{ kind: 'pinned' as const, name: 'Pinned', items: pinned }]),
    ...named.map(([name, items]) => ({ kind: 'folder' as const, name, items })),
    ...groupByDay(others, now).map(({ name, items }) => ({ kind: 'day' as const, name, items })),
  ];
}

/** Names of the folders of all chats, sorted. */
export function foldersOf(chats: readonly Pick<ChatSummary, 'folder'>[]): string[] {
  return [...new Set(chats.map(({ folder }) => folder))]
    .filter((name) => name !== '')
    .sort((a, b) => a.localeCompare(b));
}
