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
  const isPlain = event.target === event.currentTarget && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.altKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight') && !session.busy) {
    const version = chats.current.versionsOf(turn).indexOf(turn.id);
    session.showVersion(turn, version + (event.key === 'ArrowLeft' ? -1 : 1));
    onreplaced();
  } else if (isPlain && event.key === 'e') session.turns.open(turn);
  else if (isPlain && event.key === 'Delete') void deleteTurn({ session }, turn);
  else return;
  event.preventDefault();
}
