/** Chats of any length, written through the app's own services. */
import { defaultSamplingParams } from '../../src-main/engine/api/defaults.ts';
import {
  MAX_EVENTS_PER_WRITE,
  REPLY_PARTS,
  type ChatEvent,
  type DetailsChunk,
  type ReplyFacts,
  type TokenColumns,
} from '../../src-main/protocol/app/chats/chat.ts';
import type { RunningApp } from './app.ts';

const AT = '2026-01-01T00:00:00.000Z';
const REASONING = REPLY_PARTS.indexOf('reasoning');
const WORDS = 'once upon a time there was a small fox who lived near the river and liked to read old books'.split(' ');

const FACTS: ReplyFacts = {
  stop: { reason: 'eos', token: null },
  timings: null,
  seed: 1,
  sampling: defaultSamplingParams(),
  modelId: 'tiny-transformer',
  model: 'TinyTransformer',
  vocabularySize: 8000,
  executor: 'wasm',
  notices: [],
  promptTokens: 10,
  systemTokens: 0,
  droppedMessages: 0,
  contextUsed: 25,
  runStart: 0,
};

/** The text of a token: a word with its space. */
function wordAt(index: number): string {
  return ` ${WORDS[index % WORDS.length]}`;
}

/** @param reasoning how many of the first tokens are reasoning */
export function columnsOf(texts: readonly string[], reasoning = 0): TokenColumns {
  return {
    ids: texts.map((_, at) => 3 + (at % 5000)),
    lengths: texts.map(({ length }) => length),
    parts: texts.map((_, at) => (at < reasoning ? REASONING : 0)),
    logprobs: texts.map((_, at) => -((at % 17) / 6)),
    latencies: texts.map(() => 4),
  };
}

function detailsOf(turn: string, texts: readonly string[]): DetailsChunk {
  const details = texts.map((piece, at) => ({
    piece,
    rank: 1,
    sampledProbability: 0.5,
    survivors: 40,
    candidates: Array.from({ length: 10 }, (_, rank) => {
      return { id: 3 + ((at + rank) % 5000), piece: wordAt(at + rank), logprob: -rank, sampledProbability: 0.1 };
    }),
  }));
  return { turn, from: 0, details };
}

/** @param replies token texts of each reply */
export async function writeChat(
  app: RunningApp,
  chat: {
    id: string;
    title: string;
    replies: readonly (readonly string[])[];
    /** Before each reply; by default a question with its number. */
    messages?: readonly string[];
    /** How many of the first tokens of each reply are reasoning. */
    reasoning?: number;
    details?: boolean;
    /** Of the replies; by default the built-in one. */
    modelId?: string;
    model?: string;
    /** Another window is generating the last reply. */
    running?: boolean;
  },
): Promise<void> {
  const { modelId = FACTS.modelId, model = FACTS.model } = chat;
  const facts = { title: chat.title, modelId, modelName: model };
  const events: ChatEvent[] = [{ type: 'facts', facts, at: AT }];
  const details: DetailsChunk[] = [];
  let parent: string | null = null;
  for (const [at, texts] of chat.replies.entries()) {
    const [user, reply] = [`${chat.id}-u${at}`, `${chat.id}-r${at}`];
    const isRunning = chat.running === true && at === chat.replies.length - 1;
    const replyFacts = { ...FACTS, modelId, model, ...(isRunning ? { stop: null } : {}) };
    const text = chat.messages?.[at] ?? `Question ${at + 1}: what happened then?`;
    events.push({ type: 'turn', turn: { id: user, parent, role: 'user', text, createdAt: AT }, at: AT });
    events.push({
      type: 'turn',
      turn: { id: reply, parent: user, role: 'assistant', createdAt: AT, facts: replyFacts },
      at: AT,
    });
    const tokens = columnsOf(texts, chat.reasoning);
    events.push({ type: 'tokens', turn: reply, from: 0, text: texts.join(''), tokens, at: AT });
    if (chat.details === true) details.push(detailsOf(reply, texts));
    parent = reply;
  }
  events.push({ type: 'facts', facts: { head: parent }, at: AT });
  let base = 0;
  for (let from = 0; from < events.length; from += MAX_EVENTS_PER_WRITE) {
    const part = events.slice(from, from + MAX_EVENTS_PER_WRITE);
    const own = new Set(part.flatMap((event) => (event.type === 'tokens' ? [event.turn] : [])));
    const write = {
      id: chat.id,
      base,
      origin: 'test',
      events: part,
      details: details.filter(({ turn }) => own.has(turn)),
    };
    ({ revision: base } = await app.services.invoke('chatWrite', write));
  }
}

export const words = (count: number): string[] => Array.from({ length: count }, (_, at) => wordAt(at));
