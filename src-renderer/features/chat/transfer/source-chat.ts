import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import type { PortableChat } from '../../../../src-main/protocol/app/chats/chat-file.ts';
import {
  newReplyFacts,
  REPLY_PARTS,
  type StoredReplyTurn,
  type StoredTurn,
} from '../../../../src-main/protocol/app/chats/chat.ts';
import { appendColumns, noTokens } from '../../../../src-main/protocol/app/chats/token-columns.ts';
import { orderTurns, type TreeRepairs } from '../../../../src-main/protocol/app/chats/turn-order.ts';
import { FILE_ID } from '../../../../src-main/protocol/app/fields.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import { newId } from '../../../lib/new-id.ts';
import { titleFrom } from '../state/title.ts';
import { typedTokens } from '../state/typed-tokens.ts';

/** A message of another program's export. */
export interface SourceMessage {
  id: string;
  parent: string | null;
  /** Null: it is left out, and those after it follow the one before it. Its reasoning belongs to the reply after it. */
  role: 'user' | 'assistant' | null;
  text: string;
  /** The model's reasoning before the text. */
  reasoning: string;
  /** Ms since 1970; null if unknown. */
  time: number | null;
  /** Name of the model; empty if unknown. */
  model: string;
}

export interface SourceChat {
  title: string;
  systemPrompt: string;
  messages: SourceMessage[];
  /** The last message that was shown; null if unknown. */
  head: string | null;
  /** Ms since 1970; null if unknown. */
  createdAt: number | null;
  updatedAt: number | null;
  pinned: boolean;
  folder: string;
}

const MAX_TITLE = 200;
/** Years 1970 to 9999: other times cannot be stored. */
const MAX_TIME = Date.UTC(9999, 11, 31);

/** Stands for a message that consists of files, which are left out: without it, its reply would follow another reply. */
export function withoutText(what: string): string {
  return what === 'image' ? '[Image]' : '[File]';
}

/** A chat of another program as one of ours, with all its branches. */
export function portableOf(source: SourceChat): { chat: PortableChat; repairs: TreeRepairs } {
  const { turns: ordered, ...repairs } = orderTurns(source.messages);
  const start = timeOf(source.createdAt) ?? timeOf(ordered[0]?.time ?? null) ?? Date.now();
  const turns: StoredTurn[] = [];
  /** Ids here of messages there: of the message itself, or the one before if it is left out. */
  const ids = new Map<string | null, string | null>([[null, null]]);
  /** Times of the newest version after each turn, and of each turn. */
  const newest = new Map<string | null, number>();
  const times = new Map<string | null, number>([[null, start]]);
  const used = new Set<string>();
  const followers = countFollowers(ordered);
  /** Reasoning in messages that are left out, up to each of them. */
  const thoughts = new Map<string | null, string>();
  const replies = new Map<string | null, StoredReplyTurn>();
  for (const message of ordered) {
    const parent = ids.get(message.parent) ?? null;
    const reasoning = (thoughts.get(message.parent) ?? '') + message.reasoning;
    if (message.role === null) {
      ids.set(message.id, parent);
      thoughts.set(message.id, reasoning);
      continue;
    }
    const said = { ...message, reasoning: message.role === 'assistant' ? reasoning : '' };
    const first = message.role === 'assistant' ? replies.get(parent) : undefined;
    if (first !== undefined && followers.get(message.id) === 1) {
      // Calls of tools divide a reply into parts. Many templates refuse two replies in a row.
      extend(first, said);
      ids.set(message.id, parent);
      continue;
    }
    const id = FILE_ID.test(message.id) && !used.has(message.id) ? message.id : newId();
    used.add(id);
    ids.set(message.id, id);
    // Versions are shown in the order of their times.
    const before = newest.get(parent);
    const own = timeOf(message.time) ?? times.get(parent) ?? start;
    const time = before !== undefined && own <= before ? before + 1 : own;
    newest.set(parent, time);
    times.set(id, time);
    const turn = turnOf(said, id, parent, new Date(time).toISOString());
    if (turn.role === 'assistant') replies.set(id, turn);
    turns.push(turn);
  }
  const head = ids.get(source.head) ?? turns.at(-1)?.id ?? null;
  const first = turns.find(({ role }) => role === 'user')?.text ?? '';
  const model = source.messages.find((message) => message.model !== '')?.model ?? '';
  const chat: PortableChat = {
    title: cutText(source.title.trim(), MAX_TITLE) || titleFrom(first),
    modelId: '',
    modelName: cutText(model, MAX_TITLE),
    systemPrompt: source.systemPrompt,
    head,
    pinned: source.pinned,
    folder: source.folder,
    createdAt: new Date(start).toISOString(),
    updatedAt: new Date(Math.max(start, timeOf(source.updatedAt) ?? start)).toISOString(),
    turns,
  };
  return { chat, repairs };
}

function timeOf(time: number | null): number | null {
  return time !== null && Number.isFinite(time) && time > 0 && time < MAX_TIME ? Math.floor(time) : null;
}

/** By message that is not left out: how many of them, itself included, follow the same one. */
function countFollowers(ordered: readonly SourceMessage[]): ReadonlyMap<string, number> {
  const said = new Map<string | null, string | null>([[null, null]]);
  const counts = new Map<string | null, number>();
  for (const { id, parent, role } of ordered) {
    const before = said.get(parent) ?? null;
    said.set(id, role === null ? before : id);
    if (role !== null) counts.set(before, (counts.get(before) ?? 0) + 1);
  }
  const messages = ordered.filter(({ role }) => role !== null);
  return new Map(messages.map(({ id, parent }) => [id, counts.get(said.get(parent) ?? null) ?? 0]));
}

function turnOf(message: SourceMessage, id: string, parent: string | null, createdAt: string): StoredTurn {
  const { role, text, model } = message;
  if (role !== 'assistant') return { id, parent, role: 'user', text, createdAt };
  const turn: StoredReplyTurn = {
    id,
    parent,
    role,
    createdAt,
    text: '',
    tokens: noTokens(),
    // Nothing else is known about it.
    facts: newReplyFacts({
      stop: { reason: 'eos', token: null },
      sampling: defaultSamplingParams(),
      executor: 'reference',
      model: cutText(model, MAX_TITLE),
    }),
  };
  extend(turn, message);
  return turn;
}

/** Adds to a reply what was said next. */
function extend(turn: StoredReplyTurn, { reasoning, text }: Pick<SourceMessage, 'reasoning' | 'text'>): void {
  const between = turn.text === '' ? '' : '\n\n';
  const thought = typedTokens(reasoning);
  thought.parts.fill(REPLY_PARTS.indexOf('reasoning'));
  for (const columns of [typedTokens(between), thought, typedTokens(text)]) appendColumns(turn.tokens, columns);
  turn.text += between + reasoning + text;
}
