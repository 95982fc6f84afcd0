/** The format of chats before the journal: one JSON file with every token record of every version. */
import * as v from 'valibot';
import type { GeneratedToken, PromptSegment, SamplingParams, Timings } from '../../engine/api/types.ts';
import type { EarlierStop } from '../../protocol/app/chats/chat.ts';
import { candidate, count, earlierStop, milliseconds, timings } from '../../protocol/app/chats/chat-schemas.ts';
import { chatId, finite, isoDate, shortText } from '../../protocol/app/fields.ts';
import { parseOrRefuse, schemaOf, text } from '../../protocol/fields.ts';
import { storedSampling } from '../../protocol/app/settings-schemas.ts';

export interface V1Version {
  text: string;
  tokens: GeneratedToken[];
  /** Null: interrupted. */
  stop: EarlierStop | null;
  timings: Timings | null;
  seed: number;
  sampling: SamplingParams;
  model: string;
  executor: 'reference' | 'wasm';
  segments: PromptSegment[];
  notices: string[];
  promptTokens: number;
  contextUsed: number;
  createdAt: string;
}

export type V1Turn =
  | { id: string; role: 'user'; text: string; createdAt: string }
  | { id: string; role: 'assistant'; versions: V1Version[]; active: number };

export interface V1Chat {
  id: string;
  title: string;
  modelId: string;
  modelName: string;
  systemPrompt: string;
  createdAt: string;
  updatedAt: string;
  turns: V1Turn[];
}

const token = schemaOf<GeneratedToken>()(
  v.object({
    id: count,
    piece: text,
    // Tokens stored before parts were distinguished.
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

const segment = schemaOf<PromptSegment>()(
  v.object({
    role: v.picklist(['system', 'user', 'assistant']),
    message: count,
    tokens: count,
    dropped: v.boolean(),
  }),
);

/** A reply keeps its text even if its token records cannot be read. */
const version = schemaOf<V1Version>()(
  v.object({
    text,
    tokens: v.fallback(v.pipe(v.array(token), v.maxLength(1_000_000)), () => []),
    stop: v.fallback(v.nullable(earlierStop), null),
    timings: v.fallback(v.nullable(timings), null),
    seed: v.fallback(count, 0),
    sampling: storedSampling,
    model: v.fallback(shortText, ''),
    executor: v.fallback(v.picklist(['reference', 'wasm']), 'reference'),
    segments: v.fallback(v.array(segment), () => []),
    notices: v.fallback(v.pipe(v.array(text), v.maxLength(100)), () => []),
    promptTokens: v.fallback(count, 0),
    contextUsed: v.fallback(count, 0),
    createdAt: isoDate,
  }),
);

const turnId = v.pipe(v.string(), v.minLength(1), v.maxLength(64));

const chat = schemaOf<V1Chat>()(
  v.object({
    id: chatId,
    title: shortText,
    modelId: v.pipe(v.string(), v.maxLength(128)),
    modelName: v.fallback(shortText, ''),
    systemPrompt: v.fallback(text, ''),
    createdAt: isoDate,
    updatedAt: isoDate,
    turns: v.array(
      schemaOf<V1Turn>()(
        v.variant('role', [
          v.object({ id: turnId, role: v.literal('user'), text, createdAt: isoDate }),
          v.object({ id: turnId, role: v.literal('assistant'), versions: v.array(version), active: count }),
        ]),
      ),
    ),
  }),
);

/**
 * @param name The file's name, for the message.
 * @throws EngineError BAD_REQUEST when it is not a chat
 */
export function parseV1Chat(value: unknown, name: string): V1Chat {
  return parseOrRefuse(chat, value, name);
}
