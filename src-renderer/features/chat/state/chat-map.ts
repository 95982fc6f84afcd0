import { cutText, shortened } from '../../../../src-main/protocol/cut-text.ts';
import type { ChatDocument, ChatTurn } from './chat-document.svelte.ts';

/** Turns in a row without another version between them. */
export interface MapSegment {
  readonly first: ChatTurn;
  readonly last: ChatTurn;
  readonly turns: number;
  /** Forks before it. */
  readonly depth: number;
  /** Its first turn is on the shown path. */
  readonly isShown: boolean;
  /** The shown path ends in it. */
  readonly isHead: boolean;
}

/** The tree of a chat as segments: each is followed by the branches after it, oldest first. */
export function chatMap(chat: ChatDocument): MapSegment[] {
  const shown = new Set(chat.path.map(({ id }) => id));
  const segments: MapSegment[] = [];
  const open: { first: ChatTurn; depth: number }[] = [];
  const add = (turns: readonly ChatTurn[], depth: number) => {
    for (const first of turns.toReversed()) open.push({ first, depth });
  };
  const roots = chat.followersOf(null);
  add(roots, roots.length > 1 ? 1 : 0);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { first, depth } = next;
    let last = first;
    let turns = 1;
    let isHead = first.id === chat.head;
    let followers = chat.followersOf(first.id);
    while (followers.length === 1) {
      [last] = followers;
      turns++;
      isHead ||= last.id === chat.head;
      followers = chat.followersOf(last.id);
    }
    segments.push({ first, last, turns, depth, isShown: shown.has(first.id), isHead });
    add(followers, depth + 1);
  }
  return segments;
}

/** Characters, with the ellipsis. */
const MAX_TEXT = 81;

/** The beginning of a turn, on one line. */
export function textOfTurn(turn: ChatTurn): string {
  const start = cutText(turn.role === 'user' ? turn.text : turn.answer, 4 * MAX_TEXT);
  return shortened(start.trim().replace(/\s+/gu, ' '), MAX_TEXT);
}
