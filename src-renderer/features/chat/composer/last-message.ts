import type { AppModel } from '../state/app-model.svelte.ts';
import type { UserTurn } from '../state/chat-document.svelte.ts';

/**
 * The last message of the open chat, if its editor can be opened now: not while a reply runs, or while another chat is
 * on its way.
 */
export function editableMessage({ session, chats }: Pick<AppModel, 'session' | 'chats'>): UserTurn | null {
  if (session.busy || chats.comingId !== null) return null;
  const message = chats.current.path.findLast((turn) => turn.role === 'user') ?? null;
  return message === null || session.turns.textOf(message) !== null ? null : message;
}
