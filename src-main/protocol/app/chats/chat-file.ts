/**
 * Chats as a JSON file, with all branches, which any copy of the app can import. The same chats always give the same
 * bytes, so an imported file that is exported again is equal.
 */
import * as v from 'valibot';
import { EngineError } from '../../../engine/api/errors.ts';
import { parseOrRefuse, schemaOf, text } from '../../fields.ts';
import { isoDate } from '../fields.ts';
import { chatFacts, isTokenColumns, replyTurn, userTurn } from './chat-schemas.ts';
import { notebookUpdate } from './chat-write-schemas.ts';
import {
  factsOf,
  TOKENS_PER_EVENT,
  type ChatEvent,
  type ChatFacts,
  type StoredChat,
  type StoredReplyTurn,
  type StoredTurn,
  type TokenColumns,
} from './chat.ts';
import { mergedUpdate } from './notebook.ts';
import { sliceColumns } from './token-columns.ts';
import { orderTurns, type TreeRepairs } from './turn-order.ts';

const FORMAT = 'tokenscope-chats';
const VERSION = 1;

/** A chat without what belongs to one computer: its id and its deleted turns. */
export interface PortableChat extends Omit<ChatFacts, 'settings'> {
  /** Absent if it has none of its own, as in files of earlier versions. */
  settings?: NonNullable<ChatFacts['settings']>;
  createdAt: string;
  updatedAt: string;
  /** Parents come before their children. */
  turns: StoredTurn[];
  /** Of a notebook: one update that makes its text. */
  updates?: string[];
}

const reply = schemaOf<StoredReplyTurn>()(
  v.pipe(
    v.strictObject({
      ...replyTurn.entries,
      text,
      tokens: v.custom<TokenColumns>(isTokenColumns, 'Expected columns of numbers of equal length'),
    }),
    v.check(
      (turn) => turn.tokens.lengths.reduce((sum, length) => sum + length, 0) === turn.text.length,
      'Expected lengths that add up to the text’s',
    ),
  ),
);

const portableChat = schemaOf<PortableChat>()(
  v.strictObject({
    ...chatFacts,
    settings: v.exactOptional(chatFacts.settings.wrapped),
    createdAt: isoDate,
    updatedAt: isoDate,
    turns: v.array(v.union([userTurn, reply])),
    updates: v.exactOptional(v.array(notebookUpdate)),
  }),
);

/** Whether a parsed file is one of these, of whatever version. */
export function isChatFile(value: unknown): value is { format: typeof FORMAT; version: unknown; chats: unknown } {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === FORMAT;
}

/** A chat for a file. Deleted turns are left out. */
export function portable(chat: StoredChat): PortableChat {
  const hidden = new Set(chat.removed);
  for (const { id, parent } of chat.turns) if (parent !== null && hidden.has(parent)) hidden.add(id);
  const turns = chat.turns.filter(({ id }) => !hidden.has(id));
  const parents = new Map(chat.turns.map(({ id, parent }) => [id, parent]));
  let { head } = chat;
  while (head !== null && hidden.has(head)) head = parents.get(head) ?? null;
  const { createdAt, updatedAt } = chat;
  const { settings, ...facts } = factsOf(chat);
  const own = settings === null ? {} : { settings };
  const updates = chat.updates === undefined ? {} : { updates: [mergedUpdate(chat.updates)] };
  return { ...facts, ...own, head, createdAt, updatedAt, turns, ...updates };
}

export function chatFileText(chats: readonly PortableChat[]): string {
  return `${JSON.stringify(sorted({ format: FORMAT, version: VERSION, chats }))}\n`;
}

/**
 * The chats of a file. A chat that is not valid is reported, and the others are read.
 * @throws EngineError BAD_REQUEST if the file as a whole cannot be read
 */
export function readChatFile({ version, chats }: { version: unknown; chats: unknown }): {
  chats: { chat: PortableChat; repairs: TreeRepairs }[];
  problems: string[];
} {
  if (typeof version === 'number' && version > VERSION) {
    throw new EngineError(
      'BAD_REQUEST',
      'This file is from a later version of Tokenscope. Update the app to import it.',
    );
  }
  if (version !== VERSION || !Array.isArray(chats)) {
    throw new EngineError('BAD_REQUEST', 'This file of chats is damaged: its version or its list of chats is missing.');
  }
  const problems: string[] = [];
  const read = chats.flatMap((value: unknown, at) => {
    try {
      const chat = parseOrRefuse(portableChat, value, `chat ${at + 1}`);
      const { turns, ...repairs } = orderTurns(chat.turns);
      const head = turns.some(({ id }) => id === chat.head) ? chat.head : (turns.at(-1)?.id ?? null);
      return [{ chat: { ...chat, head, turns }, repairs }];
    } catch (error) {
      problems.push(EngineError.from(error).message);
      return [];
    }
  });
  return { chats: read, problems };
}

/** What creates a chat, or adds to an empty one. */
export function eventsOfChat(chat: PortableChat): ChatEvent[] {
  const { createdAt, updatedAt: at } = chat;
  const { head, ...facts } = factsOf({ ...chat, settings: chat.settings ?? null });
  // The first event dates the chat.
  const events: ChatEvent[] = [{ type: 'facts', at: createdAt, facts }];
  for (const update of chat.updates ?? []) events.push({ type: 'update', at: createdAt, update });
  for (const turn of chat.turns) {
    if (turn.role === 'user') {
      events.push({ type: 'turn', at: createdAt, turn });
      continue;
    }
    const { text: all, tokens, ...rest } = turn;
    events.push({ type: 'turn', at: createdAt, turn: rest });
    let from = 0;
    for (let first = 0; first < tokens.ids.length; first += TOKENS_PER_EVENT) {
      const columns = sliceColumns(tokens, first, first + TOKENS_PER_EVENT);
      const length = columns.lengths.reduce((sum, one) => sum + one, 0);
      const part = all.slice(from, from + length);
      events.push({ type: 'tokens', at: createdAt, turn: turn.id, from: first, text: part, tokens: columns });
      from += length;
    }
  }
  events.push({ type: 'facts', at, facts: { head } });
  return events;
}

/** With keys in order, because events add them in different orders. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return typeof value[0] === 'object' ? value.map(sorted) : value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}
