import { expect, it } from 'vitest';
import type { ChatSummary } from '../../src-main/protocol/app/app-services.ts';
import { groupByDay } from './day-groups.ts';

const now = new Date(2026, 2, 30, 9, 0);
const chat = (id: string, updatedAt: Date): ChatSummary => ({
  id,
  title: id,
  createdAt: updatedAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  turns: 2,
  pinned: false,
  folder: '',
});

it('groups by calendar day, newest first, and leaves out empty groups', () => {
  const groups = groupByDay(
    [
      chat('a week ago', new Date(2026, 2, 23, 0, 1)),
      chat('early today', new Date(2026, 2, 30, 0, 0)),
      chat('late yesterday', new Date(2026, 2, 29, 23, 59)),
      chat('just now', new Date(2026, 2, 30, 8, 59)),
      chat('long ago', new Date(2025, 0, 1)),
      chat('eight days ago', new Date(2026, 2, 22, 23, 59)),
    ],
    now,
  );
  expect(groups.map((group) => [group.name, group.items.map((one) => one.id)])).toEqual([
    ['Today', ['just now', 'early today']],
    ['Yesterday', ['late yesterday']],
    ['Previous 7 days', ['a week ago']],
    ['Older', ['eight days ago', 'long ago']],
  ]);
  expect(groupByDay([], now)).toEqual([]);
});

it('counts a clock that runs ahead as today', () => {
  expect(groupByDay([chat('tomorrow', new Date(2026, 2, 31))], now)[0]?.name).toBe('Today');
});
