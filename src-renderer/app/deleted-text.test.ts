import { expect, it } from 'vitest';
import type { DeletedChat } from '../../src-main/protocol/app/recently-deleted.ts';
import { deletedName, deletedText } from './deleted-text.ts';

const now = new Date('2026-03-10T12:00:00Z');
const chat: DeletedChat = {
  ...{ id: 'c', title: 'Cats', pinned: false, folder: '', turns: 4 },
  createdAt: '2026-03-01T12:00:00.000Z',
  updatedAt: '2026-03-01T12:00:00.000Z',
  deletedAt: '2026-03-10T10:00:00.000Z',
  keptUntil: new Date(2026, 3, 9, 10).toISOString(),
};

it('says when a chat was deleted, how long it is, and when it will be deleted for good', () => {
  expect(deletedText(chat, now)).toBe('Deleted 2 hours ago · 4 messages · kept until 9 Apr 2026');
  expect(deletedText({ ...chat, turns: 1 }, now)).toContain(' · 1 message · ');
  expect(deletedText({ ...chat, notebook: true }, now)).toBe('Deleted 2 hours ago · kept until 9 Apr 2026');
});

it('names a chat whose title was lost', () => {
  expect(deletedName(chat)).toBe('Cats');
  expect(deletedName({ ...chat, title: '' })).toBe('Chat without a title');
  expect(deletedName({ title: '', notebook: true })).toBe('Notebook without a title');
});
