import type { ChatSummary } from '../../src-main/protocol/app/app-services.ts';
import { formatCount } from '../ui/format.ts';

/** What is stored on this computer, below the list of chats and notebooks. */
export function storedText(all: readonly Pick<ChatSummary, 'notebook'>[]): string {
  const notebooks = all.filter(({ notebook }) => notebook).length;
  const chats = all.length - notebooks;
  const kinds = [
    ...(chats > 0 ? [formatCount(chats, 'chat')] : []),
    ...(notebooks > 0 ? [formatCount(notebooks, 'notebook')] : []),
  ];
  if (kinds.length === 0) return 'Stored on this computer';
  // There is no room for more after both.
  return kinds.length === 1 ? `${kinds[0]} on this computer` : kinds.join(', ');
}
