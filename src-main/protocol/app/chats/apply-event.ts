import {
  NO_FACTS,
  NO_TOKEN,
  type ChatEvent,
  type ReplyFacts,
  type StoredChat,
  type StoredReplyTurn,
  type StoredTurn,
  type TokenColumns,
} from './chat.ts';
import { appendColumns, noTokens } from './token-columns.ts';

export function emptyChat(id: string, createdAt: string): StoredChat {
  return {
    id,
    ...NO_FACTS,
    createdAt,
    updatedAt: createdAt,
    revision: 0,
    turns: [],
    removed: [],
  };
}

/** Turns of a chat by id, so that applying an event needs no search. */
export type TurnIndex = Map<string, StoredTurn>;

export function indexOf(chat: StoredChat): TurnIndex {
  return new Map(chat.turns.map((turn) => [turn.id, turn]));
}

/**
 * Applies one event in place. An event whose turn is unknown (its line was damaged) changes only the revision; a turn
 * whose parent is unknown follows the previous turn, so that its text is not lost.
 */
export function applyEvent(chat: StoredChat, event: ChatEvent, turns: TurnIndex): void {
  chat.revision++;
  if (event.at > chat.updatedAt) chat.updatedAt = event.at;
  switch (event.type) {
    case 'facts':
      Object.assign(chat, event.facts);
      return;
    case 'turn': {
      if (turns.has(event.turn.id)) return;
      const { parent } = event.turn;
      const known = parent === null || turns.has(parent) ? parent : (chat.turns.at(-1)?.id ?? null);
      const turn: StoredTurn =
        event.turn.role === 'user'
          ? { ...event.turn, parent: known }
          : { ...event.turn, parent: known, text: '', tokens: noTokens() };
      chat.turns.push(turn);
      turns.set(turn.id, turn);
      return;
    }
    case 'tokens': {
      const turn = replyIn(turns, event.turn);
      if (turn !== null) appendTokens(turn, event.from, event.text, event.tokens);
      return;
    }
    case 'reply': {
      const turn = replyIn(turns, event.turn);
      if (turn !== null) turn.facts = { ...turn.facts, ...event.facts } satisfies ReplyFacts;
      return;
    }
    case 'update':
      (chat.updates ??= []).push(event.update);
      return;
    case 'remove':
      if (turns.has(event.turn) && !chat.removed.includes(event.turn)) chat.removed.push(event.turn);
      return;
    case 'restore':
      chat.removed = chat.removed.filter((id) => id !== event.turn);
      return;
  }
}

function replyIn(turns: TurnIndex, id: string): StoredReplyTurn | null {
  const turn = turns.get(id);
  return turn?.role === 'assistant' ? turn : null;
}

/**
 * Skips tokens that the reply already has. Missing ones (their line was damaged) become empty, so that later ones keep
 * their index.
 */
function appendTokens(turn: StoredReplyTurn, from: number, text: string, tokens: TokenColumns): void {
  const skip = Math.max(0, turn.tokens.ids.length - from);
  if (skip >= tokens.ids.length) return;
  for (let missing = from - turn.tokens.ids.length; missing > 0; missing--) addEmptyToken(turn.tokens);
  const skippedText = tokens.lengths.slice(0, skip).reduce((sum, length) => sum + length, 0);
  turn.text += text.slice(skippedText);
  appendColumns(turn.tokens, tokens, skip);
}

function addEmptyToken({ ids, lengths, parts, logprobs, latencies }: TokenColumns): void {
  ids.push(NO_TOKEN);
  for (const column of [lengths, parts, logprobs, latencies]) column.push(0);
}

/** Ids of the path from the first turn to `head`, without removed turns and their descendants. */
export function pathTo(chat: Pick<StoredChat, 'removed'>, head: string | null, turns: TurnIndex): string[] {
  const path: string[] = [];
  for (let id = head; id !== null; id = turns.get(id)?.parent ?? null) path.push(id);
  path.reverse();
  const removed = new Set(chat.removed);
  const end = path.findIndex((id) => removed.has(id));
  return end < 0 ? path : path.slice(0, end);
}
