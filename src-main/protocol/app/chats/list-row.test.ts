import { expect, test } from 'vitest';
import type { ChatSummary } from './chat.ts';
import { isSameRow } from './list-row.ts';

const AT = '2026-01-02T03:04:05.678Z';
const chat: ChatSummary = { id: 'c', title: 'Cats', pinned: false, folder: '', createdAt: AT, updatedAt: AT, turns: 2 };

test.each<[Partial<ChatSummary>, boolean]>([
  [{}, true],
  [{ updatedAt: '2026-01-03T03:04:05.678Z', turns: 4 }, true],
  [{ title: 'Dogs' }, false],
  [{ pinned: true }, false],
  [{ folder: 'Animals' }, false],
  [{ branches: 2 }, false],
])('a chat with the change %j: its row stays as it is: %s', (change, isSame) => {
  expect(isSameRow(chat, { ...chat, ...change })).toBe(isSame);
});
