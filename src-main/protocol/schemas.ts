/**
 * Checks of messages between processes. The engine's side checks every message and every method's params; the client's
 * side checks the envelope of results. `schemaOf` ties schemas to static types: a schema that differs from its type does
 * not compile.
 */
import * as v from 'valibot';
import { EngineError } from '../engine/errors.ts';
import { STOP_SETTINGS, TOP_CANDIDATES } from '../engine/settings/generation.ts';
import { MAX_SOURCE, SAMPLING_SETTINGS } from '../engine/settings/sampling.ts';
import type {
  ChatMessage,
  ChatTemplateChoice,
  Continues,
  ErrorPayload,
  GenerateParams,
  InspectParams,
  PromptInput,
  RenderChatParams,
  SamplingParams,
  ProfileParams,
  ScoreParams,
  StopParams,
  StopReason,
  TokenizeParams,
} from '../engine/types.ts';
import type { EngineMethods, EngineStreams, MethodName, StreamName } from './api.ts';
import { isErrorCode } from './errors.ts';
import type { ClientMessage, EngineMessage } from './messages.ts';
import { grammarSource, numberIn, schemasOf } from './setting-schemas.ts';

/** Maximum text of one message, in UTF-16 units. It may still exceed the context window. */
export const MAX_TEXT = 8 * 1024 * 1024;
/** Maximum ids in one list. */
export const MAX_IDS = 1024 * 1024;
export const MAX_CREDIT = 2 ** 31 - 1;

/** Requires a schema to describe exactly a type: neither wider nor narrower. */
export function schemaOf<T>() {
  return <S extends v.GenericSchema<unknown, T>>(schema: [T] extends [v.InferOutput<S>] ? S : never): S => schema;
}

export const finite = v.pipe(v.number(), v.finite());
export const isoDate = v.pipe(v.string(), v.isoTimestamp());
/** A rate per second; null if it was not measured. */
export const rate = v.nullable(v.pipe(finite, v.minValue(0)));
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const integerBetween = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const requestId = integerBetween(1, MAX_CREDIT);
const executorName = v.picklist(['reference', 'wasm']);
/** More than machines for local models have, and few enough to start. */
export const MAX_THREADS = 64;

/** Checked in one pass, because a list may have a million ids. */
const tokenIds = v.custom<number[]>(
  (value) =>
    Array.isArray(value) &&
    value.length <= MAX_IDS &&
    value.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_CREDIT),
  `Expected a list of at most ${MAX_IDS} token ids (whole numbers, 0 or above)`,
);

export const chatMessage = schemaOf<ChatMessage>()(
  v.object({ role: v.picklist(['system', 'user', 'assistant']), text }),
);

const source = v.pipe(v.string(), v.maxLength(MAX_SOURCE));

export const chatTemplateChoice = schemaOf<ChatTemplateChoice>()(
  v.variant('kind', [
    v.object({ kind: v.literal('model') }),
    v.object({ kind: v.literal('plain') }),
    v.object({ kind: v.literal('custom'), source }),
  ]),
);

const chatEntries = {
  messages: v.pipe(v.array(chatMessage), v.minLength(1), v.maxLength(10_000)),
  whenFull: v.exactOptional(v.picklist(['stop', 'drop_oldest', 'shift'])),
  template: v.exactOptional(chatTemplateChoice),
  enableThinking: v.exactOptional(v.boolean()),
};

const renderChatParams = schemaOf<RenderChatParams>()(v.object(chatEntries));

const promptInput = schemaOf<PromptInput>()(
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

export const samplingParams = schemaOf<SamplingParams>()(v.object(schemasOf(SAMPLING_SETTINGS)));
const stopParams = schemaOf<StopParams>()(v.object(schemasOf(STOP_SETTINGS)));

const candidateCount = numberIn(TOP_CANDIDATES);

export const stopReason = schemaOf<StopReason>()(
  v.picklist(['eos', 'max_tokens', 'stop_string', 'repetition', 'time_limit', 'context_full', 'user', 'error']),
);

const continues = schemaOf<Continues>()(
  v.object({
    reason: v.nullable(stopReason),
    stopString: v.exactOptional(v.pipe(v.string(), v.maxLength(STOP_SETTINGS.stopStrings.maxLength))),
  }),
);

const tokenizeParams = schemaOf<TokenizeParams>()(v.object({ text, addBos: v.boolean(), parseSpecial: v.boolean() }));

const scoreParams = schemaOf<ScoreParams>()(v.object({ prompt: promptInput, top: candidateCount }));

const inspectParams = schemaOf<InspectParams>()(
  v.object({ prompt: promptInput, sampling: samplingParams, stop: stopParams, topCandidates: candidateCount }),
);

const generateParams = schemaOf<GenerateParams>()(
  v.object({
    prompt: promptInput,
    sampling: samplingParams,
    stop: stopParams,
    useKvCache: v.boolean(),
    topCandidates: candidateCount,
    continues: v.exactOptional(continues),
  }),
);

/** A folder's name, never a path. */
export const modelId = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'Expected a model id: letters, digits, dots, dashes'),
);

/** Chat ids are file names, so they consist of letters, digits, `_` and `-`. */
export const chatId = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'Expected a chat id: up to 64 letters, digits, _ and -'),
);

export const shortText = v.pipe(v.string(), v.maxLength(1000));

export const tokenCount = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

export function isModelId(value: unknown): boolean {
  return v.is(modelId, value);
}

const noParams = schemaOf<Record<string, never>>()(v.record(v.string(), v.never()));

type SchemasFor<T extends { [M in keyof T]: { params: unknown } }> = {
  readonly [M in keyof T]: v.GenericSchema<unknown, T[M]['params']>;
};

const methodParams: SchemasFor<EngineMethods> = {
  status: noParams,
  describe: schemaOf<EngineMethods['describe']['params']>()(v.object({ modelId })),
  unload: noParams,
  tokenize: tokenizeParams,
  detokenize: schemaOf<EngineMethods['detokenize']['params']>()(v.object({ ids: tokenIds, skipSpecial: v.boolean() })),
  renderChat: renderChatParams,
  score: scoreParams,
  inspect: inspectParams,
  preview: inspectParams,
  profile: schemaOf<ProfileParams>()(
    v.object({
      prompt: integerBetween(1, MAX_CREDIT),
      context: integerBetween(1, MAX_CREDIT),
      generate: integerBetween(1, MAX_CREDIT),
    }),
  ),
  checkGrammar: schemaOf<EngineMethods['checkGrammar']['params']>()(v.object({ grammar: grammarSource(MAX_SOURCE) })),
};

const streamParams: SchemasFor<EngineStreams> = {
  load: schemaOf<EngineStreams['load']['params']>()(
    v.object({
      modelId,
      contextSize: v.exactOptional(integerBetween(1, MAX_CREDIT)),
      executor: v.exactOptional(executorName),
      threads: v.exactOptional(integerBetween(1, MAX_THREADS)),
      kvCacheType: v.exactOptional(v.picklist(['f32', 'f16', 'q8'])),
    }),
  ),
  generate: generateParams,
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

/**
 * @param what Names the value in the message, for example the method.
 * @throws EngineError BAD_REQUEST with `details.field`, the dotted path of the first invalid field.
 */
export function parseOrRefuse<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue) ?? '';
  const where = field === '' ? what : `${what}: ${field}`;
  throw new EngineError('BAD_REQUEST', `Invalid value in ${where}. ${issue.message.slice(0, 300)}.`, { field, what });
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

export const errorPayload = schemaOf<ErrorPayload>()(
  v.object({
    code: v.custom<ErrorPayload['code']>(isErrorCode, 'Expected an error code'),
    message: v.string(),
    details: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
  }),
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
