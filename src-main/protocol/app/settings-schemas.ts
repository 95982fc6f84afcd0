/**
 * Settings from a page, where invalid ones are refused, or from a file, which is parsed leniently: a missing or invalid
 * part becomes its default.
 */
import * as v from 'valibot';
import { defaultSamplingParams, defaultStopParams } from '../../engine/api/defaults.ts';
import { STOP_SETTINGS } from '../../engine/settings/generation.ts';
import { FIRST_SAMPLER_ORDER, MAX_SOURCE, SAMPLING_SETTINGS } from '../../engine/settings/sampling.ts';
import type { SettingTable } from '../../engine/settings/setting.ts';
import type { SamplingParams } from '../../engine/api/types.ts';
import {
  DENSITIES,
  SEND_KEYS,
  TEXT_SIZES,
  type DownloadSettings,
  type ModelSettings,
  type Settings,
  type TokenColours,
  type UpdateSettings,
} from './app-services.ts';
import { modelId, schemaOf } from '../fields.ts';
import { laneSets, storedLaneSets } from './comparisons/comparison-schemas.ts';
import { chatId, shortText, tokenCount, isDownloadAddress, isProxy } from './fields.ts';
import { partialOf, schemasOf, storedSettings } from '../setting-schemas.ts';

export function defaultSettings(): Settings {
  return {
    theme: 'system',
    textSize: 'medium',
    density: 'comfortable',
    sendWith: 'enter',
    tourSeen: false,
    perModel: {},
    useKvCache: true,
    storePrefix: true,
    speculate: true,
    whenFull: 'stop',
    tokensView: false,
    rawReplies: false,
    tokenColours: { by: 'probability', doubtBelow: 0.5 },
    panel: { open: true, tab: 'sampling' },
    fullChain: false,
    lastChatId: null,
    lastModelId: null,
    downloads: { proxy: null, mirror: null },
    updates: { automatic: false },
    laneSets: [],
    lessonAnswered: [],
  };
}

const colourEntries = {
  by: v.picklist(['probability', 'surprisal', 'entropy', 'rank', 'doubtful']),
  doubtBelow: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
};

const panelEntries = { open: v.boolean(), tab: v.picklist(['sampling', 'stop', 'prompt', 'context', 'rate']) };

/** Settings of a model for which a person has set nothing. */
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

/** Maximum number of models with settings; the oldest are dropped first. */
export const MAX_MODELS_WITH_SETTINGS = 500;

const draft = v.pipe(v.string(), v.maxLength(MAX_SOURCE));
const draftEntries = { template: draft, gbnf: draft, json_schema: draft };
const templateKind = v.picklist(['model', 'plain', 'custom']);
const modelSettings = schemaOf<ModelSettings>()(
  v.object({
    sampling: partialOf(schemasOf(SAMPLING_SETTINGS)),
    stop: partialOf(schemasOf(STOP_SETTINGS)),
    template: templateKind,
    enableThinking: v.nullable(v.boolean()),
    contextSize: v.nullable(tokenCount),
    drafts: v.object(draftEntries),
  }),
);

/** The lesson has ten. */
const MAX_LESSON_STEPS = 50;

const downloadEntries = {
  proxy: v.nullable(
    v.pipe(shortText, v.check(isProxy, 'Expected a proxy address, for example http://proxy.example:8080')),
  ),
  mirror: v.nullable(
    v.pipe(shortText, v.check(isDownloadAddress, 'Expected an https address, for example https://mirror.example/hub')),
  ),
};

const updateEntries = { automatic: v.boolean() };

const settingsEntries = {
  theme: v.picklist(['system', 'light', 'dark', 'contrast']),
  textSize: v.picklist(TEXT_SIZES),
  density: v.picklist(DENSITIES),
  sendWith: v.picklist(SEND_KEYS),
  tourSeen: v.boolean(),
  perModel: v.pipe(
    v.record(modelId, modelSettings),
    v.maxEntries(MAX_MODELS_WITH_SETTINGS, `Expected at most ${MAX_MODELS_WITH_SETTINGS} models`),
  ),
  useKvCache: v.boolean(),
  storePrefix: v.boolean(),
  speculate: v.boolean(),
  whenFull: v.picklist(['stop', 'drop_oldest', 'shift']),
  tokensView: v.boolean(),
  rawReplies: v.boolean(),
  tokenColours: schemaOf<TokenColours>()(v.object(colourEntries)),
  panel: v.object(panelEntries),
  fullChain: v.boolean(),
  lastChatId: v.nullable(chatId),
  lastModelId: v.nullable(modelId),
  downloads: schemaOf<DownloadSettings>()(v.object(downloadEntries)),
  updates: schemaOf<UpdateSettings>()(v.object(updateEntries)),
  laneSets,
  lessonAnswered: v.pipe(v.array(shortText), v.maxLength(MAX_LESSON_STEPS)),
};
const settingsSchema = schemaOf<Settings>()(v.object(settingsEntries));

/** Top-level keys with complete values; unknown keys are refused. */
export const settingsPatchSchema = schemaOf<Partial<Settings>>()(
  v.strictObject({
    theme: v.exactOptional(settingsEntries.theme),
    textSize: v.exactOptional(settingsEntries.textSize),
    density: v.exactOptional(settingsEntries.density),
    sendWith: v.exactOptional(settingsEntries.sendWith),
    tourSeen: v.exactOptional(settingsEntries.tourSeen),
    perModel: v.exactOptional(settingsEntries.perModel),
    useKvCache: v.exactOptional(settingsEntries.useKvCache),
    storePrefix: v.exactOptional(settingsEntries.storePrefix),
    speculate: v.exactOptional(settingsEntries.speculate),
    whenFull: v.exactOptional(settingsEntries.whenFull),
    tokensView: v.exactOptional(settingsEntries.tokensView),
    rawReplies: v.exactOptional(settingsEntries.rawReplies),
    tokenColours: v.exactOptional(settingsEntries.tokenColours),
    panel: v.exactOptional(settingsEntries.panel),
    fullChain: v.exactOptional(settingsEntries.fullChain),
    lastChatId: v.exactOptional(settingsEntries.lastChatId),
    lastModelId: v.exactOptional(settingsEntries.lastModelId),
    downloads: v.exactOptional(settingsEntries.downloads),
    updates: v.exactOptional(settingsEntries.updates),
    laneSets: v.exactOptional(settingsEntries.laneSets),
    lessonAnswered: v.exactOptional(settingsEntries.lessonAnswered),
  }),
);

/** Parses settings from a file. Never fails: missing and invalid parts are the defaults. */
export function parseStoredSettings(value: unknown): Settings {
  const defaults = defaultSettings();
  const parsed = v.safeParse(
    lenient(
      {
        ...settingsEntries,
        perModel: storedPerModel,
        tokenColours: lenient(colourEntries, defaults.tokenColours),
        panel: lenient(panelEntries, defaults.panel),
        downloads: lenient(downloadEntries, defaults.downloads),
        updates: lenient(updateEntries, defaults.updates),
        laneSets: storedLaneSets,
      },
      defaults,
    ),
    withPerModel(value),
  );
  return parsed.success ? v.parse(settingsSchema, parsed.output) : defaults;
}

/**
 * Sampling settings from a file. Settings that did not exist when it was written have their default, which is off; the
 * former default list of stages becomes the current one, in which the new stages have no effect.
 */
export const storedSampling = v.pipe(
  v.unknown(),
  v.transform((value): SamplingParams => {
    const defaults = defaultSamplingParams();
    const sampling = { ...defaults, ...storedSettings(SAMPLING_SETTINGS, value) };
    const isOlder = typeof value === 'object' && value !== null && !Object.hasOwn(value, 'minKeep');
    const isOlderDefault = String(sampling.samplers) === String(FIRST_SAMPLER_ORDER);
    return isOlder && isOlderDefault ? { ...sampling, samplers: defaults.samplers } : sampling;
  }),
);

/** The model of settings from when there was one set for all models. */
const FIRST_MODEL = 'tiny-transformer';

/** Converts settings from before each model had its own: changed ones become the first model's. */
function withPerModel(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.hasOwn(value, 'perModel')) return value;
  const stop = { ...defaultStopParams(), ...storedSettings(STOP_SETTINGS, Reflect.get(value, 'stop')) };
  const settings = {
    ...defaultModelSettings(),
    sampling: differences(v.parse(storedSampling, Reflect.get(value, 'sampling')), defaultSamplingParams()),
    stop: differences(stop, defaultStopParams()),
  };
  const isChanged = Object.keys({ ...settings.sampling, ...settings.stop }).length > 0;
  return { ...value, perModel: isChanged ? { [FIRST_MODEL]: settings } : {} };
}

/** The keys with different values. */
export function differences<T extends object>(values: T, base: T): Partial<T> {
  const changed = Object.entries(values).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(base, key)),
  );
  return Object.fromEntries(changed) as Partial<T>;
}

const storedModelSettings = lenient(
  {
    sampling: storedPartial(SAMPLING_SETTINGS),
    stop: storedPartial(STOP_SETTINGS),
    template: templateKind,
    enableThinking: v.nullable(v.boolean()),
    contextSize: v.nullable(tokenCount),
    drafts: lenient(draftEntries, defaultModelSettings().drafts),
  },
  defaultModelSettings(),
);

/** Drops models with invalid ids, and the oldest ones beyond the limit. */
const storedPerModel = v.pipe(
  v.record(v.string(), v.unknown()),
  v.transform((all) => {
    const known = Object.entries(all).filter(([id]) => v.is(modelId, id));
    return Object.fromEntries(
      known.slice(-MAX_MODELS_WITH_SETTINGS).map(([id, one]) => [id, v.parse(storedModelSettings, one)]),
    );
  }),
);

function storedPartial(table: SettingTable): v.GenericSchema {
  return v.pipe(
    v.unknown(),
    v.transform((value) => storedSettings(table, value)),
  );
}

/** An object in which each invalid key becomes its default. */
function lenient(entries: v.ObjectEntries, defaults: Readonly<Record<string, unknown>> | object): v.GenericSchema {
  const withFallback = Object.entries(entries).map(([key, schema]) => [
    key,
    v.fallback(schema, Reflect.get(defaults, key)),
  ]);
  return v.fallback(v.object(Object.fromEntries(withFallback)), defaults);
}
