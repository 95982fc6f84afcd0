import { latinKey } from '../../../lib/latin-key.ts';
import type { AppModel } from '../state/app-model.svelte.ts';
import type { ChatTurn } from '../state/chat-document.svelte.ts';
import { deleteTurn } from './turn-items.ts';

/**
 * Keys of a focused turn: Alt and an arrow key for its other versions, E to edit, Delete.
 * @param onreplaced another version is shown in its place
 */
export function onTurnKey(
  event: KeyboardEvent,
  { session, chats }: Pick<AppModel, 'session' | 'chats'>,
  turn: ChatTurn,
  onreplaced: () => void,
): void {
  const { key } = event;
  const isPlain = event.target === event.currentTarget && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isVersionKey = event.altKey && (key === 'ArrowLeft' || key === 'ArrowRight');
  // Also with Caps Lock.
  const isEdit = isPlain && !event.shiftKey && latinKey(event) === 'e';
  if (!isVersionKey && !isEdit && !(isPlain && key === 'Delete')) return;
  // Also if nothing can be done now: a browser would leave the page.
  event.preventDefault();
  // Another chat was chosen, and is about to be here.
  if (chats.comingId !== null) return;
  if (isEdit) session.turns.open(turn);
  else if (key === 'Delete') void deleteTurn({ session }, turn);
  else if (!session.busy) {
    const version = chats.current.versionsOf(turn).indexOf(turn.id);
    session.showVersion(turn, version + (key === 'ArrowLeft' ? -1 : 1));
    onreplaced();
  }
}
