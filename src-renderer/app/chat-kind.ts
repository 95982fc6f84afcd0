import type { ChatSummary } from '../../src-main/protocol/app/app-services.ts';
import { formatCount } from '../ui/format.ts';

/** What it is called in messages, at their beginning. */
export function kindOf({ notebook }: Pick<ChatSummary, 'notebook'>): string {
  return notebook ? 'Notebook' : 'Chat';
}

/** `1 chat`, `2 notebooks`, `3 chats and notebooks`. */
export function countText(chats: readonly Pick<ChatSummary, 'notebook'>[]): string {
  const notebooks = chats.filter(({ notebook }) => notebook).length;
  if (notebooks === 0) return formatCount(chats.length, 'chat');
  return formatCount(chats.length, 'notebook', notebooks === chats.length ? 'notebooks' : 'chats and notebooks');
}
