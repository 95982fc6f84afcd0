/**
 * Settings, chats and the calls of `AppServices` as they arrive from a page or from a file. The edge refuses what does
 * not fit; files are read with mercy: a missing or broken part becomes its default, and what a person wrote is kept.
 */
import * as v from 'valibot';
import { defaultSamplingParams, defaultStopParams } from '../engine/defaults.ts';
import { ENGINE_ERROR_CODES, EngineError } from '../engine/errors.ts';
import type { Candidate, PromptSegment, SamplerName, SamplingParams, Stop, Timings } from '../engine/types.ts';
import type { AppMethodName, AppMethods, Chat, ReplyVersion, Settings, StoredToken, Turn } from './app-services.ts';
import {
  finite,
  MAX_TEXT,
  modelId,
  parseOrRefuse,
  samplingEntries,
  samplingParams,
  schemaOf,
  stopEntries,
  stopParams,
} from './schemas.ts';

/** Chats' ids are file names, so they are letters, digits, `_` and `-` only. */
export const chatId = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'Expected the id of a chat: up to 64 letters, digits, _ and -'),
);

const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const shortText = v.pipe(v.string(), v.maxLength(1000));
const isoDate = v.pipe(v.string(), v.isoTimestamp());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const milliseconds = v.pipe(finite, v.minValue(0));

/** The default order when these were all the stages there were, and `minKeep` was no setting yet. */
const FIRST_DEFAULT_SAMPLERS: readonly SamplerName[] = ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'];

export function defaultSettings(): Settings {
  return {
    theme: 'system',
    sampling: defaultSamplingParams(),
    stop: defaultStopParams(),
    useKvCache: true,
    whenFull: 'stop',
    holdSeed: false,
    tokensView: false,
    panel: { open: true, tab: 'sampling' },
    lastChatId: null,
  };
}

const panelEntries = { open: v.boolean(), tab: v.picklist(['sampling', 'stop', 'context', 'rate']) };

const settingsEntries = {
  theme: v.picklist(['system', 'light', 'dark', 'contrast']),
  sampling: samplingParams,
  stop: stopParams,
  useKvCache: v.boolean(),
  whenFull: v.picklist(['stop', 'drop_oldest']),
  holdSeed: v.boolean(),
  tokensView: v.boolean(),
  panel: v.object(panelEntries),
  lastChatId: v.nullable(chatId),
};
export const settingsSchema = schemaOf<Settings>()(v.object(settingsEntries));

/** Top-level keys, each whole; a key that is no setting is refused. */
export const settingsPatchSchema = schemaOf<Partial<Settings>>()(
  v.strictObject({
    theme: v.exactOptional(settingsEntries.theme),
    sampling: v.exactOptional(settingsEntries.sampling),
    stop: v.exactOptional(settingsEntries.stop),
    useKvCache: v.exactOptional(settingsEntries.useKvCache),
    whenFull: v.exactOptional(settingsEntries.whenFull),
    holdSeed: v.exactOptional(settingsEntries.holdSeed),
    tokensView: v.exactOptional(settingsEntries.tokensView),
    panel: v.exactOptional(settingsEntries.panel),
    lastChatId: v.exactOptional(settingsEntries.lastChatId),
  }),
);

/** Settings from a file: never fails, what is missing or does not fit is the default. */
export function parseStoredSettings(value: unknown): Settings {
  const defaults = defaultSettings();
  const parsed = v.safeParse(
    lenient(
      {
        ...settingsEntries,
        sampling: storedSampling,
        stop: lenient(stopEntries, defaults.stop),
        panel: lenient(panelEntries, defaults.panel),
      },
      defaults,
    ),
    value,
  );
  return parsed.success ? v.parse(settingsSchema, parsed.output) : defaults;
}

/**
 * Sampling settings from a file. What was not there yet when they were written has its default, which is off; the list
 * of stages that was the default then becomes the present one, in which the stages that came later do nothing.
 */
const storedSampling = v.pipe(
  v.unknown(),
  v.transform((value): SamplingParams => {
    const defaults = defaultSamplingParams();
    const sampling = v.parse(samplingParams, v.parse(lenient(samplingEntries, defaults), value));
    const isOlder = typeof value === 'object' && value !== null && !Object.hasOwn(value, 'minKeep');
    const isOlderDefault = String(sampling.samplers) === String(FIRST_DEFAULT_SAMPLERS);
    return isOlder && isOlderDefault ? { ...sampling, samplers: defaults.samplers } : sampling;
  }),
);

/** An object each of whose keys falls back to its default. */
function lenient(entries: v.ObjectEntries, defaults: Readonly<Record<string, unknown>> | object): v.GenericSchema {
  const withFallback = Object.entries(entries).map(([key, schema]) => [
    key,
    v.fallback(schema, Reflect.get(defaults, key)),
  ]);
  return v.fallback(v.object(Object.fromEntries(withFallback)), defaults);
}

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
  promptTokens: v.fallback(versionEntries.promptTokens, 0),
  contextUsed: v.fallback(versionEntries.contextUsed, 0),
});
const storedChat = schemaOf<Chat>()(
  v.object({
    ...chatEntries,
    modelName: v.fallback(chatEntries.modelName, ''),
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

/** Only https addresses without a user name or password leave the app. */
const externalUrl = v.pipe(
  v.string(),
  v.maxLength(2000),
  v.check((url) => {
    if (!URL.canParse(url)) return false;
    const { protocol, username, password } = new URL(url);
    return protocol === 'https:' && username === '' && password === '';
  }, 'Expected an https address'),
);

type ParamsSchemas = { readonly [M in AppMethodName]: v.GenericSchema<unknown, AppMethods[M]['params']> };

const none = schemaOf<[]>()(v.strictTuple([]));

const appParams: ParamsSchemas = {
  about: none,
  settingsGet: none,
  settingsSet: v.strictTuple([settingsPatchSchema]),
  chatsList: none,
  chatGet: v.strictTuple([chatId]),
  chatSave: v.strictTuple([chatSchema]),
  chatDelete: v.strictTuple([chatId]),
  chatsSearch: v.strictTuple([shortText]),
  modelsList: none,
  modelOpen: none,
  modelRemove: v.strictTuple([modelId]),
  systemMemory: none,
  networkLog: none,
  openExternal: v.strictTuple([externalUrl]),
  engineRestart: none,
};

/** An `AppServices` call whose name and params have been checked. */
export type CheckedAppCall = { [M in AppMethodName]: { method: M; params: AppMethods[M]['params'] } }[AppMethodName];

/** @throws EngineError BAD_REQUEST that names the method, or the field and what is wrong with it. */
export function checkAppCall(method: unknown, params: unknown): CheckedAppCall {
  if (typeof method !== 'string' || !Object.hasOwn(appParams, method)) {
    const name = typeof method === 'string' ? method.slice(0, 100) : typeof method;
    throw new EngineError('BAD_REQUEST', `There is no method "${name}" here.`, { method: name });
  }
  const schema: v.GenericSchema = appParams[method as AppMethodName];
  return { method, params: parseOrRefuse(schema, params, method) } as CheckedAppCall;
}
