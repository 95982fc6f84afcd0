/**
 * What may cross the border. The engine's side checks every message and every method's params; the client's side
 * checks the envelope of what comes back.
 */
import * as v from 'valibot';
import { MAX_LANES } from '../../engine/api/defaults.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { TOP_CANDIDATES } from '../../engine/settings/generation.ts';
import { MAX_SOURCE } from '../../engine/settings/sampling.ts';
import type {
  ChatMessage,
  GenerateParams,
  InspectRunParams,
  PreviewParams,
  PromptInput,
  RenderChatParams,
  ProfileParams,
  ScoreParams,
  TokenizeParams,
} from '../../engine/api/types.ts';
import {
  chatTemplateChoice,
  continues,
  errorPayload,
  executorName,
  kvCacheType,
  modelId,
  parseOrRefuse,
  samplingParams,
  schemaOf,
  stopParams,
  text,
  whenFull,
} from '../fields.ts';
import { grammarSource, MAX_TOKEN_ID, numberIn } from '../setting-schemas.ts';
import { insideParams, interventions } from './inside-schemas.ts';
import type { EngineMethods, EngineStreams, MethodName, StreamName, ClientMessage, EngineMessage } from './api.ts';

/** Ids in one list. */
const MAX_IDS = 1024 * 1024;
const MAX_CREDIT = 2 ** 31 - 1;

const integerBetween = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const requestId = integerBetween(1, MAX_CREDIT);
/** More than machines for local models have, and few enough to start. */
export const MAX_THREADS = 64;

export const tokenId = integerBetween(0, MAX_TOKEN_ID);

/** Checked in one pass, because a list may have a million ids. */
export const tokenIds = v.custom<number[]>(
  (value) =>
    Array.isArray(value) &&
    value.length <= MAX_IDS &&
    value.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_TOKEN_ID),
  `Expected a list of at most ${MAX_IDS} token ids (whole numbers, 0 or above)`,
);

const chatMessage = schemaOf<ChatMessage>()(v.object({ role: v.picklist(['system', 'user', 'assistant']), text }));

const chatEntries = {
  messages: v.pipe(v.array(chatMessage), v.minLength(1), v.maxLength(10_000)),
  whenFull: v.exactOptional(whenFull),
  template: v.exactOptional(chatTemplateChoice),
  enableThinking: v.exactOptional(v.boolean()),
  date: v.exactOptional(v.pipe(v.string(), v.isoTimestamp())),
  replyIds: v.exactOptional(tokenIds),
};

const renderChatParams = schemaOf<RenderChatParams>()(
  v.object({
    ...chatEntries,
    maxTokens: v.exactOptional(integerBetween(0, MAX_CREDIT)),
    replyTokens: v.exactOptional(integerBetween(0, MAX_CREDIT)),
  }),
);

export const promptInput = schemaOf<PromptInput>()(
  v.variant('kind', [
    v.object({
      kind: v.literal('text'),
      text,
      addBos: v.exactOptional(v.boolean()),
      parseSpecial: v.exactOptional(v.boolean()),
      whenFull: v.exactOptional(v.picklist(['stop', 'shift'])),
    }),
    v.object({ kind: v.literal('ids'), ids: tokenIds, whenFull: v.exactOptional(v.picklist(['stop', 'shift'])) }),
    v.object({ kind: v.literal('chat'), ...chatEntries }),
  ]),
);

const candidateCount = numberIn(TOP_CANDIDATES);

const tokenizeParams = schemaOf<TokenizeParams>()(
  v.object({ text, addBos: v.boolean(), parseSpecial: v.boolean(), modelId: v.exactOptional(modelId) }),
);

const scoreParams = schemaOf<ScoreParams>()(
  v.object({ prompt: promptInput, top: candidateCount, last: v.exactOptional(integerBetween(1, MAX_CREDIT)) }),
);

const inspectEntries = {
  prompt: promptInput,
  sampling: samplingParams,
  stop: stopParams,
  topCandidates: candidateCount,
};
const inspectParams = schemaOf<InspectRunParams>()(
  v.object({
    ...inspectEntries,
    interventions: v.exactOptional(interventions),
    attribution: v.exactOptional(v.boolean()),
    lens: v.exactOptional(v.boolean()),
  }),
);
/** Checked again by the engine: it may become a file's name. */
const chatName = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const previewParams = schemaOf<PreviewParams>()(
  v.object({
    ...{ ...inspectEntries, reply: v.exactOptional(tokenIds) },
    ...{ continues: v.exactOptional(continues), token: v.exactOptional(tokenId) },
    firstToken: v.exactOptional(tokenId),
    storePrefixFor: v.exactOptional(chatName),
  }),
);

const generateParams = schemaOf<GenerateParams>()(
  v.object({
    ...{ ...inspectEntries, useKvCache: v.boolean(), speculate: v.exactOptional(v.boolean()) },
    storePrefixFor: v.exactOptional(chatName),
    ...{ continues: v.exactOptional(continues), firstToken: v.exactOptional(tokenId) },
  }),
);

const compareKey = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

const noParams = schemaOf<Record<string, never>>()(v.record(v.string(), v.never()));

type SchemasFor<T extends { [M in keyof T]: { params: unknown } }> = {
  readonly [M in keyof T]: v.GenericSchema<unknown, T[M]['params']>;
};

const methodParams: SchemasFor<EngineMethods> = {
  status: noParams,
  describe: schemaOf<EngineMethods['describe']['params']>()(v.object({ modelId })),
  hashModel: noParams,
  unload: noParams,
  tokenize: tokenizeParams,
  detokenize: schemaOf<EngineMethods['detokenize']['params']>()(v.object({ ids: tokenIds, skipSpecial: v.boolean() })),
  renderChat: renderChatParams,
  score: scoreParams,
  inspect: inspectParams,
  releaseInside: schemaOf<EngineMethods['releaseInside']['params']>()(
    v.object({ only: v.exactOptional(v.literal('beside')) }),
  ),
  prefixCacheSize: noParams,
  clearPrefixCache: schemaOf<EngineMethods['clearPrefixCache']['params']>()(
    v.object({ chat: v.exactOptional(chatName) }),
  ),
  preview: previewParams,
  profile: schemaOf<ProfileParams>()(
    v.object({
      prompt: integerBetween(1, MAX_CREDIT),
      context: integerBetween(1, MAX_CREDIT),
      generate: integerBetween(1, MAX_CREDIT),
    }),
  ),
  checkGrammar: schemaOf<EngineMethods['checkGrammar']['params']>()(v.object({ grammar: grammarSource(MAX_SOURCE) })),
  stopLane: schemaOf<EngineMethods['stopLane']['params']>()(
    v.object({ key: compareKey, lane: integerBetween(0, MAX_LANES - 1) }),
  ),
};

const streamParams: SchemasFor<EngineStreams> = {
  load: schemaOf<EngineStreams['load']['params']>()(
    v.object({
      modelId,
      contextSize: v.exactOptional(integerBetween(1, MAX_CREDIT)),
      executor: v.exactOptional(v.union([executorName, v.literal('auto')])),
      threads: v.exactOptional(integerBetween(1, MAX_THREADS)),
      kvCacheType: v.exactOptional(kvCacheType),
      keepLoaded: v.exactOptional(v.boolean()),
      beside: v.exactOptional(v.boolean()),
    }),
  ),
  generate: generateParams,
  compare: schemaOf<EngineStreams['compare']['params']>()(
    v.object({ key: compareKey, lanes: v.pipe(v.array(generateParams), v.minLength(1), v.maxLength(MAX_LANES)) }),
  ),
  inside: insideParams(tokenIds),
};

/** A fully checked message of a client. */
export type CheckedMessage =
  | Exclude<ClientMessage, { type: 'call' | 'open' }>
  | { type: 'call'; id: number; call: CheckedCall }
  | { type: 'open'; id: number; stream: CheckedStream; credit: number };

/** A call whose name and params have been checked. */
export type CheckedCall = { [M in MethodName]: { method: M; params: EngineMethods[M]['params'] } }[MethodName];
export type CheckedStream = { [S in StreamName]: { method: S; params: EngineStreams[S]['params'] } }[StreamName];

/**
 * Checks a message of a client.
 * @throws EngineError BAD_REQUEST with the method, or the invalid field and its problem
 */
export function checkClientMessage(raw: unknown): CheckedMessage {
  const message = parseOrRefuse(clientMessage, raw, 'message');
  switch (message.type) {
    case 'call': {
      const { type, id, method, params } = message;
      return { type, id, call: checkCall(method, params) };
    }
    case 'open': {
      const { type, id, method, params, credit } = message;
      return { type, id, stream: checkStream(method, params), credit };
    }
    default:
      return message;
  }
}

/** @throws EngineError BAD_REQUEST with the method, or the invalid field and its problem. */
export function checkCall(method: string, params: unknown): CheckedCall {
  return check(methodParams, method, params) as CheckedCall;
}

/** @throws EngineError BAD_REQUEST with the method, or the invalid field and its problem. */
export function checkStream(method: string, params: unknown): CheckedStream {
  return check(streamParams, method, params) as CheckedStream;
}

function check(schemas: Readonly<Record<string, v.GenericSchema>>, method: string, params: unknown) {
  const schema = Object.hasOwn(schemas, method) ? schemas[method] : undefined;
  if (schema === undefined) {
    const known = Object.keys(schemas).join(', ');
    throw new EngineError('BAD_REQUEST', `Unknown method "${method.slice(0, 100)}". Known methods: ${known}.`, {
      method: method.slice(0, 100),
    });
  }
  return { method, params: parseOrRefuse(schema, params, method) };
}

export const clientMessage = schemaOf<ClientMessage>()(
  v.variant('type', [
    v.object({ type: v.literal('hello'), version: v.number() }),
    v.object({ type: v.literal('call'), id: requestId, method: v.string(), params: v.unknown() }),
    v.object({
      type: v.literal('open'),
      id: requestId,
      method: v.string(),
      params: v.unknown(),
      credit: integerBetween(1, MAX_CREDIT),
    }),
    v.object({ type: v.literal('credit'), id: requestId, credit: integerBetween(1, MAX_CREDIT) }),
    v.object({ type: v.literal('cancel'), id: requestId }),
  ]),
);

export const engineMessage = schemaOf<EngineMessage>()(
  v.variant('type', [
    v.object({ type: v.literal('hello'), version: v.number() }),
    v.object({ type: v.literal('result'), id: requestId, result: v.unknown() }),
    v.object({ type: v.literal('chunk'), id: requestId, events: v.array(v.unknown()) }),
    v.object({ type: v.literal('end'), id: requestId }),
    v.object({ type: v.literal('error'), id: requestId, error: errorPayload }),
  ]),
);

/** The id in a message, even if the rest is malformed, so that its sender gets an answer. */
export function requestIdOf(message: unknown): number | null {
  if (typeof message !== 'object' || message === null || !('id' in message)) return null;
  return v.is(requestId, message.id) ? message.id : null;
}
