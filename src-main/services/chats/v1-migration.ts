import { createHash } from 'node:crypto';
import {
  NO_TOKEN,
  REPLY_PARTS,
  type ChatEvent,
  type DetailsChunk,
  type TokenColumns,
} from '../../protocol/app/chats/chat.ts';
import type { V1Chat, V1Turn, V1Version } from './v1-format.ts';
import { pieceReader } from './v1-pieces.ts';

/** Ids of turns that can be kept. */
const TURN_ID = /^[A-Za-z0-9_-]{1,56}$/;

/**
 * Converts a chat of the first format to events. Versions of an answer become replies to the same turn; the path contains
 * the version that was shown. The same file always gives the same ids, so repeating the conversion adds nothing.
 */
export function eventsOfV1(chat: V1Chat): { events: ChatEvent[]; details: DetailsChunk[] } {
  const events: ChatEvent[] = [];
  const details: DetailsChunk[] = [];
  const at = chat.updatedAt;
  const used = new Set<string>();
  let head: string | null = null;
  for (const turn of chat.turns) {
    const id = freeId(turn.id, used);
    if (turn.role === 'user') {
      events.push({
        type: 'turn',
        at,
        turn: { id, parent: head, role: 'user', text: turn.text, createdAt: turn.createdAt },
      });
      head = id;
      continue;
    }
    const ids = turn.versions.map((_, index) => (index === 0 ? id : freeId(`${id}_v${index + 1}`, used)));
    for (const [index, version] of turn.versions.entries()) {
      events.push(...eventsOfVersion(chat, version, ids[index], head, at));
      details.push(...detailsOf(version, ids[index]));
    }
    head = ids[shownVersion(turn)] ?? head;
  }
  const { title, modelId, modelName, systemPrompt } = chat;
  events.push({ type: 'facts', at, facts: { title, modelId, modelName, systemPrompt, head } });
  return { events, details };
}

function shownVersion({ active, versions }: Extract<V1Turn, { role: 'assistant' }>): number {
  return Math.min(active, versions.length - 1);
}

/** Ids may have been duplicates, or contain characters that ids no longer have. */
function freeId(id: string, used: Set<string>): string {
  const base = TURN_ID.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 32);
  let free = base;
  for (let copy = 2; used.has(free); copy++) free = `${base}_${copy}`;
  used.add(free);
  return free;
}

function eventsOfVersion(chat: V1Chat, version: V1Version, id: string, parent: string | null, at: string): ChatEvent[] {
  const { stop, timings, seed, sampling, model, executor, notices, promptTokens, contextUsed, createdAt } = version;
  const tokens = columnsOf(version);
  const dropped = new Set(version.segments.filter((one) => one.dropped).map((one) => one.message));
  const system = version.segments.filter((one) => one.role === 'system' && !one.dropped);
  // The window holds the prompt and the tokens of the latest run, so this is their number.
  const latestRun = Math.max(0, contextUsed - promptTokens);
  const facts = {
    stop,
    timings,
    seed,
    sampling,
    modelId: model !== '' && model === chat.modelName ? chat.modelId : '',
    model,
    vocabularySize: 0,
    executor,
    notices,
    promptTokens,
    systemTokens: system.reduce((sum, one) => sum + one.tokens, 0),
    droppedMessages: dropped.size,
    contextUsed,
    runStart: Math.max(0, version.tokens.length - latestRun),
  };
  const turn: ChatEvent = { type: 'turn', at, turn: { id, parent, role: 'assistant', createdAt, facts } };
  if (tokens.ids.length === 0) return [turn];
  return [turn, { type: 'tokens', at, turn: id, from: 0, text: version.text, tokens }];
}

/** Text without recorded tokens becomes a piece without a token. */
function columnsOf({ text, tokens }: V1Version): TokenColumns {
  const isWhole = text.startsWith(tokens.map((token) => token.text).join(''));
  const known = isWhole ? tokens : [];
  const columns: TokenColumns = {
    ids: known.map((token) => token.id),
    lengths: known.map((token) => token.text.length),
    parts: known.map((token) => REPLY_PARTS.indexOf(token.part)),
    logprobs: known.map((token) => token.logprob),
    latencies: known.map((token) => token.latencyMs),
  };
  const rest = text.length - columns.lengths.reduce((sum, length) => sum + length, 0);
  if (rest > 0) {
    columns.ids.push(NO_TOKEN);
    columns.lengths.push(rest);
    for (const name of ['parts', 'logprobs', 'latencies'] as const) columns[name].push(0);
  }
  return columns;
}

function detailsOf({ text, tokens }: V1Version, turn: string): DetailsChunk[] {
  if (tokens.length === 0 || !text.startsWith(tokens.map((token) => token.text).join(''))) return [];
  const read = pieceReader(tokens);
  const details = tokens.map(({ piece, rank, sampledProbability, survivors, candidates }) => ({
    piece: read(piece),
    rank,
    sampledProbability,
    survivors,
    candidates: candidates.map((candidate) => ({ ...candidate, piece: read(candidate.piece) })),
  }));
  return [{ turn, from: 0, details }];
}
