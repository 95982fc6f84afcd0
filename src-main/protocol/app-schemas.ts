/**
 * Settings, chats and the calls of `AppServices` as they arrive from a page or from a file. The edge refuses what does
 * not fit; files are read with mercy: a missing or broken part becomes its default, and what a person wrote is kept.
 */
import * as v from 'valibot';
import { defaultSamplingParams, defaultStopParams } from '../engine/defaults.ts';
import { ENGINE_ERROR_CODES, EngineError } from '../engine/errors.ts';
import type { Candidate, PromptSegment, SamplerName, SamplingParams, Stop, Timings } from '../engine/types.ts';
import type {
  AppMethodName,
  AppMethods,
  Chat,
  DownloadSettings,
  MeasuredRate,
  ModelSettings,
  ReplyVersion,
  Settings,
  StoredToken,
  Turn,
} from './app-services.ts';
import { isDownloadAddress, isProxy } from './download-address.ts';
import {
  finite,
  MAX_SOURCE,
  MAX_TEXT,
  modelId,
  parseOrRefuse,
  samplingEntries,
  samplingParams,
  schemaOf,
  stopEntries,
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
const tokens = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const milliseconds = v.pipe(finite, v.minValue(0));

/** The default order when these were all the stages there were, and `minKeep` was no setting yet. */
const FIRST_DEFAULT_SAMPLERS: readonly SamplerName[] = ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'];

export function defaultSettings(): Settings {
  return {
    theme: 'system',
    perModel: {},
    useKvCache: true,
    whenFull: 'stop',
    tokensView: false,
    panel: { open: true, tab: 'sampling' },
    lastChatId: null,
    downloads: { proxy: null, mirror: null },
  };
}

const panelEntries = { open: v.boolean(), tab: v.picklist(['sampling', 'stop', 'prompt', 'context', 'rate']) };

/** What holds for a model for which a person has chosen nothing. */
export function defaultModelSettings(): ModelSettings {
  return {
    sampling: {},
    stop: {},
    template: 'model',
    enableThinking: null,
    contextSize: null,
    drafts: { template: '', gbnf: '', json_schema: '' },
  };
}

/** Models whose settings are kept; those of the oldest go first. */
export const MAX_MODELS_WITH_SETTINGS = 500;

const draft = v.pipe(v.string(), v.maxLength(MAX_SOURCE));
const draftEntries = { template: draft, gbnf: draft, json_schema: draft };
const templateKind = v.picklist(['model', 'plain', 'custom']);
const modelSettings = schemaOf<ModelSettings>()(
  v.object({
    sampling: partialOf(samplingEntries),
    stop: partialOf(stopEntries),
    template: templateKind,
    enableThinking: v.nullable(v.boolean()),
    contextSize: v.nullable(tokens),
    drafts: v.object(draftEntries),
  }),
);

const downloadEntries = {
  proxy: v.nullable(
    v.pipe(shortText, v.check(isProxy, 'Expected the address of a proxy, for example http://proxy.example:8080')),
  ),
  mirror: v.nullable(
    v.pipe(shortText, v.check(isDownloadAddress, 'Expected an https address, for example https://mirror.example/hub')),
  ),
};

const settingsEntries = {
  theme: v.picklist(['system', 'light', 'dark', 'contrast']),
  perModel: v.pipe(
    v.record(modelId, modelSettings),
    v.maxEntries(MAX_MODELS_WITH_SETTINGS, `Expected at most ${MAX_MODELS_WITH_SETTINGS} models`),
  ),
  useKvCache: v.boolean(),
  whenFull: v.picklist(['stop', 'drop_oldest', 'shift']),
  tokensView: v.boolean(),
  panel: v.object(panelEntries),
  lastChatId: v.nullable(chatId),
  downloads: schemaOf<DownloadSettings>()(v.object(downloadEntries)),
};
export const settingsSchema = schemaOf<Settings>()(v.object(settingsEntries));

/** Top-level keys, each whole; a key that is no setting is refused. */
export const settingsPatchSchema = schemaOf<Partial<Settings>>()(
  v.strictObject({
    theme: v.exactOptional(settingsEntries.theme),
    perModel: v.exactOptional(settingsEntries.perModel),
    useKvCache: v.exactOptional(settingsEntries.useKvCache),
    whenFull: v.exactOptional(settingsEntries.whenFull),
    tokensView: v.exactOptional(settingsEntries.tokensView),
    panel: v.exactOptional(settingsEntries.panel),
    lastChatId: v.exactOptional(settingsEntries.lastChatId),
    downloads: v.exactOptional(settingsEntries.downloads),
  }),
);

/** Settings from a file: never fails, what is missing or does not fit is the default. */
export function parseStoredSettings(value: unknown): Settings {
  const defaults = defaultSettings();
  const parsed = v.safeParse(
    lenient(
      {
        ...settingsEntries,
        perModel: storedPerModel,
        panel: lenient(panelEntries, defaults.panel),
        downloads: lenient(downloadEntries, defaults.downloads),
      },
      defaults,
    ),
    withPerModel(value),
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

/** The model that settings were for while there was one set of them for all models. */
const FIRST_MODEL = 'tiny-transformer';

/** Settings from before each model had its own: what a person had changed is the first model's. */
function withPerModel(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.hasOwn(value, 'perModel')) return value;
  const stop = v.parse(lenient(stopEntries, defaultStopParams()), Reflect.get(value, 'stop'));
  const settings = {
    ...defaultModelSettings(),
    sampling: differences(v.parse(storedSampling, Reflect.get(value, 'sampling')), defaultSamplingParams()),
    stop: differences(stop as object, defaultStopParams()),
  };
  const isChanged = Object.keys({ ...settings.sampling, ...settings.stop }).length > 0;
  return { ...value, perModel: isChanged ? { [FIRST_MODEL]: settings } : {} };
}

function differences(value: object, defaults: object): object {
  const changed = Object.entries(value).filter(
    ([key, one]) => JSON.stringify(one) !== JSON.stringify(Reflect.get(defaults, key)),
  );
  return Object.fromEntries(changed);
}

const storedModelSettings = lenient(
  {
    sampling: storedPartial(samplingEntries),
    stop: storedPartial(stopEntries),
    template: templateKind,
    enableThinking: v.nullable(v.boolean()),
    contextSize: v.nullable(tokens),
    drafts: lenient(draftEntries, defaultModelSettings().drafts),
  },
  defaultModelSettings(),
);

/** Models whose id is none are left out, and the oldest when there are too many. */
const storedPerModel = v.pipe(
  v.record(v.string(), v.unknown()),
  v.transform((all) => {
    const known = Object.entries(all).filter(([id]) => v.is(modelId, id));
    return Object.fromEntries(
      known.slice(-MAX_MODELS_WITH_SETTINGS).map(([id, one]) => [id, v.parse(storedModelSettings, one)]),
    );
  }),
);

/** Any of the keys may be missing. */
function partialOf<E extends v.ObjectEntries>(
  entries: E,
): v.GenericSchema<unknown, Partial<v.InferOutput<v.ObjectSchema<E, undefined>>>> {
  const optional = Object.entries(entries).map(([key, schema]) => [key, v.exactOptional(schema)]);
  return v.object(Object.fromEntries(optional)) as never;
}

/** The keys that are there and fit; the others are left out. */
function storedPartial(entries: v.ObjectEntries): v.GenericSchema {
  return v.pipe(
    v.unknown(),
    v.transform((value) => {
      if (typeof value !== 'object' || value === null) return {};
      const fitting = Object.entries(entries).filter(
        ([key, schema]) => Object.hasOwn(value, key) && v.is(schema, Reflect.get(value, key)),
      );
      return Object.fromEntries(fitting.map(([key]) => [key, Reflect.get(value, key)]));
    }),
  );
}

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
  modelDelete: v.strictTuple([modelId]),
  modelLocate: v.strictTuple([modelId]),
  modelAccept: v.strictTuple([modelId]),
  modelVerify: v.strictTuple([modelId]),
  modelUsed: v.strictTuple([modelId]),
  modelMeasured: v.strictTuple([modelId, measuredRate]),
  modelShowInFolder: v.strictTuple([modelId]),
  modelsFound: none,
  modelAddFound: v.strictTuple([modelId]),
  catalogueList: none,
  downloadStart: v.strictTuple([v.strictObject({ catalogueId: modelId, termsAccepted: v.boolean() })]),
  downloadPause: v.strictTuple([modelId]),
  downloadResume: v.strictTuple([modelId]),
  downloadCancel: v.strictTuple([modelId]),
  downloadsList: none,
  modelsFolder: none,
  modelsFolderChoose: none,
  modelsFolderReset: none,
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
