import { onTestFinished } from 'vitest';
import { defaultSamplingParams } from '../../../engine/api/defaults.ts';
import type { EmittedEvent } from '../../../protocol/app/app-services.ts';
import type { ChatChange, ChatEvent, ChatNews, ReplyFacts, TokenDetails } from '../../../protocol/app/chats/chat.ts';
import { InstanceLock } from '../../instance-lock.ts';
import { temporaryFolder } from '../../test-support/support.ts';
import { ChatStore, type ChatStoreOptions } from '../chat-store.ts';
import { ChatFiles } from '../files.ts';

export const AT = '2026-01-02T03:04:05.678Z';

/** A store on a folder, as one process opens it. */
export async function openStore(folder?: string, options: Partial<ChatStoreOptions> = {}) {
  folder ??= await temporaryFolder();
  const lock = new InstanceLock(folder, 'app', { beatMs: 20, staleMs: 60_000, settleMs: 10 });
  await lock.start();
  const events: EmittedEvent[] = [];
  const files = new ChatFiles();
  const store = new ChatStore({
    dataFolder: folder,
    lock,
    files,
    emit: (event) => void events.push(event),
    ...options,
  });
  store.start();
  const close = async () => {
    await store.stop();
    await lock.release();
  };
  onTestFinished(close);
  const notices = () => events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  const news = () => events.filter((event): event is ChatNews => event.type === 'chat');
  return { folder, store, lock, events, files, notices, news, close };
}

export const replyFacts = (facts: Partial<ReplyFacts> = {}): ReplyFacts => ({
  stop: null,
  timings: null,
  seed: 1,
  sampling: defaultSamplingParams(),
  modelId: 'tiny-transformer',
  model: 'TinyTransformer',
  vocabularySize: 8000,
  executor: 'wasm',
  notices: [],
  promptTokens: 3,
  systemTokens: 0,
  droppedMessages: 0,
  contextUsed: 8,
  runStart: 0,
  ...facts,
});

export const at = (change: ChatChange, time = AT): ChatEvent => ({ ...change, at: time });

export const title = (text: string): ChatEvent => at({ type: 'facts', facts: { title: text } });

export const userTurn = (id: string, parent: string | null, text = `text of ${id}`): ChatEvent =>
  at({ type: 'turn', turn: { id, parent, role: 'user', text, createdAt: AT } });

export const replyTurn = (id: string, parent: string | null): ChatEvent =>
  at({ type: 'turn', turn: { id, parent, role: 'assistant', createdAt: AT, facts: replyFacts() } });

export const replyEnd = (turn: string): ChatEvent =>
  at({ type: 'reply', turn, facts: { stop: { reason: 'max_tokens', maxTokens: 5 } } });

/** One token for each text. */
export function tokensOf(turn: string, from: number, ...texts: string[]): ChatEvent {
  const numbers = (value: number) => texts.map(() => value);
  const columns = { parts: numbers(0), logprobs: numbers(-1.5), latencies: numbers(2.25) };
  const lengths = texts.map((text) => text.length);
  const ids = texts.map((_, index) => from + index + 1);
  return at({ type: 'tokens', turn, from, text: texts.join(''), tokens: { ids, lengths, ...columns } });
}

export function detailsOf(index: number): TokenDetails {
  const candidates = Array.from({ length: 10 }, (_, rank) => ({
    id: index + rank,
    piece: `piece ${index} ${rank}`,
    logprob: -rank - 0.25,
    sampledProbability: rank > 5 ? null : 0.125,
    // Unknown in chats of earlier versions.
    ...(rank > 7 ? { removedBy: 'top_k' } : {}),
  }));
  return { piece: `piece ${index}`, rank: 1, sampledProbability: 0.5, survivors: 40, candidates };
}

/** A chat with a question and an answer. */
export const smallChat = (name = 'Hello world'): ChatEvent[] => [
  title(name),
  userTurn('u1', null, 'Hello world'),
  replyTurn('r1', 'u1'),
  tokensOf('r1', 0, '!', ' How', ' are', ' you?'),
  replyEnd('r1'),
];

/** A write like a page's, with defaults. */
export const write = (id: string, base: number, events: ChatEvent[], origin = 'page') => ({
  id,
  base,
  origin,
  events,
  details: [],
});
