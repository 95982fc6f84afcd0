import { expect, it } from 'vitest';
import { foldersOf, groupChats } from './chat-groups.ts';

const NOW = new Date(2026, 0, 10, 12);
const at = (day: number) => new Date(2026, 0, day, 9).toISOString();

it('lists pinned chats first, then folders by name, then days', () => {
  const chats = [
    { id: 'a', pinned: false, folder: '', updatedAt: at(10) },
    { id: 'b', pinned: false, folder: 'Work', updatedAt: at(9) },
    { id: 'c', pinned: true, folder: 'Work', updatedAt: at(8) },
    { id: 'd', pinned: false, folder: 'Cooking', updatedAt: at(7) },
    { id: 'e', pinned: false, folder: 'Work', updatedAt: at(6) },
  ];
  const groups = groupChats(chats, NOW).map(({ kind, name, items }) => [
    kind,
    name,
    items.map(({ id }) => id).join(''),
  ]);
  expect(groups).toEqual([
    ['pinned', 'Pinned', 'c'],
    ['folder', 'Cooking', 'd'],
    ['folder', 'Work', 'be'],
    ['day', 'Today', 'a'],
  ]);
  expect(foldersOf(chats)).toEqual(['Cooking', 'Work']);
});
