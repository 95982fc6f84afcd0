/** LM Studio's presets: a list of fields by key, or a flat object in versions before 0.3. */
import { SAMPLING_SETTINGS } from '../../../../../src-main/engine/settings/sampling.ts';
import { isRecord } from '../../../../../src-main/protocol/is-record.ts';
import { STAGES } from '../../sampling/stages.ts';
import { LLAMA_KEYS } from './llama-names.ts';
import { SettingsMapper, WHY, type MappedSettings, type SettingKey } from './settings-mapper.ts';

type Json = Readonly<Record<string, unknown>>;

/** Values that stand for an unchecked setting. */
const UNCHECKED: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(Object.values(STAGES).flatMap(({ off }) => Object.entries(off))),
  temperature: undefined,
  maxTokens: -1,
  seed: -1,
};

const OTHERS: Readonly<Record<string, SettingKey>> = {
  'llm.prediction.maxPredictedTokens': 'maxTokens',
  'llm.prediction.stopStrings': 'stopStrings',
};

/** Its keys end with this app's names, some of them with `Sampling` added. */
function settingOf(key: string): SettingKey | undefined {
  const name = /^llm\.prediction\.(?:llama\.)?([a-zA-Z]+?)(?:Sampling)?$/.exec(key)?.[1] ?? '';
  if (Object.hasOwn(SAMPLING_SETTINGS, name)) return name as SettingKey;
  return Object.hasOwn(OTHERS, key) ? OTHERS[key] : undefined;
}

export function isLmStudioPreset(value: Json): boolean {
  return isRecord(value.inference_params) || fieldsOf(value.operation) !== null || fieldsOf(value) !== null;
}

/** @param fallback name of a preset without one */
export function readLmStudioPreset(value: Json, fallback: string): MappedSettings {
  const mapper = new SettingsMapper();
  const name = typeof value.name === 'string' && value.name.trim() !== '' ? value.name.trim() : fallback;
  if (isRecord(value.inference_params)) {
    for (const [key, one] of Object.entries(value.inference_params)) earlier(mapper, key, one);
    if (isRecord(value.load_params))
      for (const [key, one] of Object.entries(value.load_params)) mapper.skip(key, one, WHY.load);
    return mapper.result(name);
  }
  for (const { key, value: one } of fieldsOf(value.operation) ?? fieldsOf(value) ?? []) field(mapper, key, one);
  for (const { key, value: one } of fieldsOf(value.load) ?? []) mapper.skip(key, one, WHY.load);
  return mapper.result(name);
}

function field(mapper: SettingsMapper, key: string, value: unknown): void {
  const known = settingOf(key);
  if (known !== undefined) {
    const off = UNCHECKED[known];
    const checked = isRecord(value) && 'checked' in value ? (value.checked === true ? value.value : off) : value;
    if (checked !== undefined) mapper.take(key, known, checked);
    return;
  }
  switch (key) {
    case 'llm.prediction.systemPrompt':
      if (typeof value === 'string') mapper.takeSystemPrompt(key, value);
      return;
    case 'llm.prediction.structured':
      return structured(mapper, key, value);
    case 'llm.prediction.promptTemplate':
      return mapper.skip(key, value, WHY.template);
    case 'llm.prediction.contextOverflowPolicy':
      return mapper.skip(key, value, WHY.context);
    case 'llm.prediction.tools':
      if (isRecord(value) && value.type === 'none') return;
      break;
  }
  mapper.skip(key, value, key.startsWith('llm.load.') || key.endsWith('cpuThreads') ? WHY.load : WHY.unknown);
}

function structured(mapper: SettingsMapper, key: string, value: unknown): void {
  if (!isRecord(value) || value.type === 'none') return;
  if (value.type === 'json' && isRecord(value.jsonSchema)) {
    mapper.takeGrammar(key, { kind: 'json_schema', source: JSON.stringify(value.jsonSchema, null, 2) });
  } else if (value.type === 'gbnf' && typeof value.gbnfGrammar === 'string') {
    mapper.takeGrammar(key, { kind: 'gbnf', source: value.gbnfGrammar });
  } else mapper.skip(key, value, WHY.unknown);
}

function earlier(mapper: SettingsMapper, key: string, value: unknown): void {
  const known = Object.hasOwn(LLAMA_KEYS, key) ? LLAMA_KEYS[key] : undefined;
  if (known !== undefined) mapper.take(key, known, value);
  else if (key === 'antiprompt') mapper.take(key, 'stopStrings', Array.isArray(value) ? value : [value]);
  else if (key === 'pre_prompt') {
    if (typeof value === 'string') mapper.takeSystemPrompt(key, value);
  } else mapper.skip(key, value, /prefix|suffix/.test(key) ? WHY.template : WHY.unknown);
}

function fieldsOf(value: unknown): { key: string; value: unknown }[] | null {
  if (!isRecord(value) || !Array.isArray(value.fields)) return null;
  return value.fields.flatMap((one: unknown) =>
    isRecord(one) && typeof one.key === 'string' ? [{ key: one.key, value: one.value }] : [],
  );
}
