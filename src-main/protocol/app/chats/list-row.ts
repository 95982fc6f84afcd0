import type { ChatSummary } from './chat.ts';

/** What the list shows of a chat, besides its day. */
const LISTED = ['title', 'pinned', 'folder', 'branches'] as const satisfies (keyof ChatSummary)[];

/** Whether a chat's row in the list stays as it is, apart from its day. */
export function isSameRow(before: ChatSummary, after: ChatSummary): boolean {
  return LISTED.every((key) => before[key] === after[key]);
}
