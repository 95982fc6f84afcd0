import { defaultSamplingParams } from '../defaults.ts';
import { DEFAULT_SAMPLER_ORDER, type SamplerName, type SamplingParams } from '../types.ts';
import { validateSampling } from '../validate.ts';
import type { ConfigReader } from './config-reader.ts';
import type { MetadataReader } from './gguf/metadata-reader.ts';

/** Value of a file's key, undefined when the key is absent. */
type Read = (key: string) => unknown;
type NumberKey = {
  [K in keyof SamplingParams]: SamplingParams[K] extends number ? K : never;
}[keyof SamplingParams];

/** `general.sampling.*` of GGUF. */
const GGUF_KEYS: readonly (readonly [string, NumberKey])[] = [
  ['top_k', 'topK'],
  ['top_p', 'topP'],
  ['min_p', 'minP'],
  ['xtc_probability', 'xtcProbability'],
  ['xtc_threshold', 'xtcThreshold'],
  ['temp', 'temperature'],
  ['penalty_last_n', 'penaltyLastN'],
  ['penalty_repeat', 'repeatPenalty'],
  ['mirostat', 'mirostat'],
  ['mirostat_tau', 'mirostatTau'],
  ['mirostat_eta', 'mirostatEta'],
];

/** `generation_config.json`. */
const HF_KEYS: readonly (readonly [string, NumberKey])[] = [
  ['temperature', 'temperature'],
  ['top_k', 'topK'],
  ['top_p', 'topP'],
  ['min_p', 'minP'],
  ['typical_p', 'typicalP'],
  ['repetition_penalty', 'repeatPenalty'],
];

/** llama.cpp's other names of stages. */
const STAGE_NAMES: Readonly<Record<string, SamplerName>> = {
  typ_p: 'typical',
  typical_p: 'typical',
  temp: 'temperature',
};

/**
 * What a GGUF file recommends for sampling (`general.sampling.*`).
 * @param warn hears of values that cannot be used and are left out
 */
export function samplingDefaultsFromGguf(
  reader: MetadataReader,
  warn: (message: string) => void,
): Partial<SamplingParams> {
  const key = (name: string) => `general.sampling.${name}`;
  const defaults = readNumbers(GGUF_KEYS, (name) => reader.value(key(name)), reader.fileName, key, warn);
  const sequence = reader.value(key('sequence'));
  if (sequence === undefined) return defaults;
  const written = typeof sequence === 'string' ? sequence.split(';') : [];
  const names = written.map((name) => name.trim().replaceAll('-', '_')).filter((name) => name !== '');
  const samplers = names.map((name) => (Object.hasOwn(STAGE_NAMES, name) ? STAGE_NAMES[name] : name));
  if (samplers.length > 0 && samplers.every(isStage)) return { ...defaults, samplers };
  warn(ignored(reader.fileName, key('sequence'), sequence));
  return defaults;
}

function isStage(name: string): name is SamplerName {
  return (DEFAULT_SAMPLER_ORDER as readonly string[]).includes(name);
}

/**
 * What a Hugging Face folder recommends for sampling. `do_sample: false` stands for greedy decoding, whatever else the
 * file says.
 * @param warn as of `samplingDefaultsFromGguf`
 */
export function samplingDefaultsFromHf(
  config: ConfigReader | null,
  warn: (message: string) => void,
): Partial<SamplingParams> {
  if (config === null) return {};
  const greedy = config.field('do_sample') === false;
  const keys = greedy ? HF_KEYS.filter(([, name]) => name === 'repeatPenalty') : HF_KEYS;
  const defaults = readNumbers(
    keys,
    (key) => config.field(key) ?? undefined,
    config.fileName,
    (key) => key,
    warn,
  );
  return greedy ? { ...defaults, temperature: 0 } : defaults;
}

function readNumbers(
  keys: readonly (readonly [string, NumberKey])[],
  read: Read,
  fileName: string,
  fullName: (key: string) => string,
  warn: (message: string) => void,
): Partial<SamplingParams> {
  const defaults: Partial<SamplingParams> = {};
  for (const [key, name] of keys) {
    const value = read(key);
    if (value === undefined) continue;
    // Files hold float32; 0.95 is meant, not 0.949999988079071.
    const number = typeof value === 'number' ? Number(value.toPrecision(7)) : value;
    if (isValid(name, number)) Object.assign(defaults, { [name]: number });
    else warn(ignored(fileName, fullName(key), value));
  }
  return defaults;
}

function isValid(name: NumberKey, value: unknown): boolean {
  try {
    validateSampling({ ...defaultSamplingParams(), [name]: value }, { vocabularySize: 1 });
    return true;
  } catch {
    return false;
  }
}

function ignored(fileName: string, key: string, value: unknown): string {
  const shown = typeof value === 'object' ? 'a nested value' : String(value).slice(0, 60);
  return `${fileName}: "${key}" is ${shown}, which cannot be used; the app's default holds.`;
}
