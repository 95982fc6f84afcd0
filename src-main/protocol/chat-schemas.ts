/**
 * Chats as they arrive from a page, where what does not fit is refused, or from a file, where what a person wrote is kept
 * though what was recorded beside it may be broken.
 */
import * as v from 'valibot';
import { ENGINE_ERROR_CODES } from '../engine/errors.ts';
import type { Candidate, PromptSegment, Stop, Timings } from '../engine/types.ts';
import type { Chat, MeasuredRate, ReplyVersion, StoredToken, Turn } from './app-services.ts';
import { storedSampling } from './settings-schemas.ts';
import { chatId, finite, MAX_TEXT, parseOrRefuse, samplingParams, schemaOf, shortText } from './schemas.ts';

const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const isoDate = v.pipe(v.string(), v.isoTimestamp());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const milliseconds = v.pipe(finite, v.minValue(0));

const stop = schemaOf<Stop>()(
  v.object({
    reason: v.picklist([
      'eos',
      'max_tokens',
      'stop_string',
      'repetition',
      'time_limit',
      'context_full',
      'user',
      'error',
    ]),
    detail: text,
    tokenId: v.exactOptional(count),
    stopString: v.exactOptional(text),
    errorCode: v.exactOptional(v.picklist(ENGINE_ERROR_CODES)),
  }),
);

const candidate = schemaOf<Candidate>()(
  v.object({ id: count, piece: text, logprob: finite, sampledProbability: v.nullable(finite) }),
);

const storedToken = schemaOf<StoredToken>()(
  v.object({
    index: count,
    id: count,
    piece: text,
    // Tokens stored before parts were told apart.
    part: v.fallback(v.picklist(['answer', 'reasoning', 'reasoning_mark']), 'answer'),
    text,
    logprob: finite,
    rank: count,
    sampledProbability: finite,
    candidates: v.pipe(v.array(candidate), v.maxLength(100)),
    survivors: count,
    latencyMs: milliseconds,
  }),
);

const rate = v.nullable(v.pipe(finite, v.minValue(0)));
const timings = schemaOf<Timings>()(
  v.object({
    loadMs: milliseconds,
    prefillMs: milliseconds,
    timeToFirstTokenMs: v.nullable(milliseconds),
    prefillTokensPerSecond: rate,
    decodeTokensPerSecond: rate,
    totalMs: milliseconds,
  }),
);

const segment = schemaOf<PromptSegment>()(
  v.object({
    role: v.picklist(['system', 'user', 'assistant']),
    message: count,
    tokens: count,
    dropped: v.boolean(),
  }),
);

export const measuredRate = schemaOf<MeasuredRate>()(
  v.object({
    executor: v.picklist(['reference', 'wasm']),
    threads: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)),
    prefillTokensPerSecond: rate,
    decodeTokensPerSecond: rate,
    at: isoDate,
  }),
);

const versionEntries = {
  text,
  tokens: v.pipe(v.array(storedToken), v.maxLength(1_000_000)),
  stop: v.nullable(stop),
  timings: v.nullable(timings),
  seed: count,
  sampling: samplingParams,
  model: shortText,
  executor: v.picklist(['reference', 'wasm']),
  segments: v.pipe(v.array(segment), v.maxLength(10_000)),
  notices: v.pipe(v.array(text), v.maxLength(100)),
  promptTokens: count,
  contextUsed: count,
  createdAt: isoDate,
};
const replyVersion = schemaOf<ReplyVersion>()(v.object(versionEntries));

const turnId = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const userTurn = v.object({ id: turnId, role: v.literal('user'), text, createdAt: isoDate });
const assistantTurn = v.object({
  id: turnId,
  role: v.literal('assistant'),
  versions: v.pipe(v.array(replyVersion), v.maxLength(1000)),
  active: count,
});

const chatEntries = {
  id: chatId,
  title: shortText,
  modelId: v.pipe(v.string(), v.maxLength(128)),
  modelName: shortText,
  systemPrompt: text,
  createdAt: isoDate,
  updatedAt: isoDate,
  turns: v.pipe(v.array(schemaOf<Turn>()(v.variant('role', [userTurn, assistantTurn]))), v.maxLength(100_000)),
};
export const chatSchema = schemaOf<Chat>()(v.object(chatEntries));

/** A stored reply keeps its text even if what was recorded about its tokens can no longer be read. */
const storedVersion = v.object({
  ...versionEntries,
  tokens: v.fallback(versionEntries.tokens, () => []),
  stop: v.fallback(versionEntries.stop, null),
  timings: v.fallback(versionEntries.timings, null),
  seed: v.fallback(versionEntries.seed, 0),
  sampling: storedSampling,
  model: v.fallback(versionEntries.model, ''),
  executor: v.fallback(versionEntries.executor, 'reference'),
  segments: v.fallback(versionEntries.segments, () => []),
  notices: v.fallback(versionEntries.notices, () => []),
  promptTokens: v.fallback(versionEntries.promptTokens, 0),
  contextUsed: v.fallback(versionEntries.contextUsed, 0),
});
const storedChat = schemaOf<Chat>()(
  v.object({
    ...chatEntries,
    modelName: v.fallback(chatEntries.modelName, ''),
    systemPrompt: v.fallback(chatEntries.systemPrompt, ''),
    turns: v.array(
      v.variant('role', [userTurn, v.object({ ...assistantTurn.entries, versions: v.array(storedVersion) })]),
    ),
  }),
);

/**
 * A chat from a file.
 * @param name The file's name, for the message.
 * @throws EngineError BAD_REQUEST when it is no chat at all.
 */
export function parseStoredChat(value: unknown, name: string): Chat {
  return parseOrRefuse(storedChat, value, name);
}
