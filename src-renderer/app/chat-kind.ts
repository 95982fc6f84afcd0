import type { ChatSummary } from '../../src-main/protocol/app/app-services.ts';

/** What it is called in messages, at their beginning. */
export function kindOf({ notebook }: Pick<ChatSummary, 'notebook'>): string {
  return notebook ? 'Notebook' : 'Chat';
}
