import { expect, it } from 'vitest';
import type { ChatSummary } from '../../../../src-main/protocol/app/chats/chat.ts';
import { newestFirst } from '../../../../src-main/protocol/app/newest-first.ts';
import { withChat } from './chat-list.ts';

function summary(number: number, change: Partial<ChatSummary> = {}): ChatSummary {
  const updatedAt = new Date(Date.UTC(2026, 0, 1, 12, 0, number)).toISOString();
  return {
    id: `c${number}`,
    title: `Chat ${number}`,
    pinned: false,
    folder: '',
    createdAt: updatedAt,
    updatedAt,
    turns: 2,
    ...change,
  };
}

const list = newestFirst(Array.from({ length: 5000 }, (_, number) => summary(number)));

it('puts a chat that changed where it belongs', () => {
  const later = new Date(Date.UTC(2026, 0, 2)).toISOString();
  expect(withChat(list, summary(7, { updatedAt: later }))[0].id).toBe('c7');
  expect(withChat(list, summary(7, { title: 'Other' })).findIndex(({ id }) => id === 'c7')).toBe(5000 - 8);
  expect(withChat(list, summary(7))).toHaveLength(5000);
  expect(withChat([], summary(1))).toEqual([summary(1)]);
});

it('is the very list while the newest chat only grows', () => {
  const [newest] = list;
  const growing = { ...newest, updatedAt: new Date(Date.parse(newest.updatedAt) + 1).toISOString() };
  expect(withChat(list, growing)).toBe(list);
  expect(withChat(list, { ...growing, title: 'Renamed' })).not.toBe(list);
  // The list is grouped by day.
  expect(withChat(list, { ...growing, updatedAt: '2026-03-01T12:00:00.000Z' })).not.toBe(list);
});
