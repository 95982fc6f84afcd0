import type { ChatTurn } from '../state/chat-document.svelte.ts';

/** Height of a line and of an empty turn, px, and characters per line. */
const LINE = 26;
const FRAME = { user: 18, assistant: 60 };
const LINE_CHARACTERS = 88;
/** Of a message, until it is expanded. */
const MOST_CHARACTERS = 2000;

/** Height of a turn that has not been in the DOM yet, px. */
export function estimatedHeight(turn: ChatTurn): number {
  const characters = turn.role === 'user' ? Math.min(MOST_CHARACTERS, turn.text.length) : turn.length;
  return FRAME[turn.role] + LINE * Math.max(1, Math.ceil(characters / LINE_CHARACTERS));
}
