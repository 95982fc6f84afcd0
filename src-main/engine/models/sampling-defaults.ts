import { isValidSetting } from '../check-value.ts';
import { isAdaptive, SAMPLING_SETTINGS, type SamplingParams } from '../settings/sampling.ts';
import { namedBy, type NamesSetting, type Setting } from '../settings/setting.ts';
import type { ConfigReader } from './config-reader.ts';
import type { MetadataReader } from './gguf/metadata-reader.ts';

/** A file with its own keys for settings. */
interface SettingsFile {
  fileName: string;
  /** Undefined for a setting without a key in such files. */
  keyOf: (row: Setting) => string | undefined;
  /** The value of a key, undefined when it is absent. */
  read: (key: string) => unknown;
}

/**
 * The sampling settings that a GGUF file recommends (`general.sampling.*`).
 * @param warn called for values that are invalid and ignored
 */
export function samplingDefaultsFromGguf(
  reader: MetadataReader,
  warn: (message: string) => void,
): Partial<SamplingParams> {
  const file: SettingsFile = {
    fileName: reader.fileName,
    keyOf: ({ gguf }) => (gguf === undefined ? undefined : `general.sampling.${gguf}`),
    read: (key) => reader.value(key),
  };
  return readSettings(file, warn);
}

/**
 * The sampling settings that a Hugging Face folder recommends. `do_sample: false` means greedy decoding, whatever else
 * the file says, and `repetition_penalty` applies to all tokens so far: there is no key for a window.
 * @param warn as in `samplingDefaultsFromGguf`
 */
export function samplingDefaultsFromHf(
  config: ConfigReader | null,
  warn: (message: string) => void,
): Partial<SamplingParams> {
  if (config === null) return {};
  const greedy = config.field('do_sample') === false;
  const file: SettingsFile = {
    fileName: config.fileName,
    keyOf: (row) => (greedy && row !== SAMPLING_SETTINGS.repeatPenalty ? undefined : row.hf),
    read: (key) => config.field(key) ?? undefined,
  };
  const defaults = readSettings(file, warn);
  const { repeatPenalty = 1 } = defaults;
  return {
    ...defaults,
    ...(repeatPenalty === 1 ? {} : { penaltyLastN: -1 }),
    ...(greedy ? { temperature: 0 } : {}),
  };
}

function readSettings(
  { fileName, keyOf, read }: SettingsFile,
  warn: (message: string) => void,
): Partial<SamplingParams> {
  const defaults: Partial<SamplingParams> = {};
  for (const [name, row] of Object.entries<Setting>(SAMPLING_SETTINGS)) {
    const key = keyOf(row);
    const written = key === undefined ? undefined : read(key);
    if (key === undefined || written === undefined) continue;
    const value = intended(row, written, (name) => warn(leftOut(fileName, key, name)));
    // No key has token ids, so the vocabulary size does not matter.
    if (value !== undefined && isValidSetting(row, value, 1)) Object.assign(defaults, { [name]: value });
    else warn(ignored(fileName, key, written));
  }
  return defaults;
}

/** A setting's intended value. @param leaveOut called for parts that are not known */
function intended(row: Setting, written: unknown, leaveOut: (name: string) => void): unknown {
  // Files hold float32: 0.949999988079071 means 0.95.
  if (typeof written === 'number') return Number(written.toPrecision(7));
  return row.kind === 'names' ? sequence(row, written, leaveOut) : written;
}

/** Names separated by semicolons, without unknown ones, as llama.cpp takes them; undefined if there are none. */
function sequence(row: NamesSetting, written: unknown, leaveOut: (name: string) => void): string[] | undefined {
  const parts = typeof written === 'string' ? written.split(';').filter((part) => part.trim() !== '') : [];
  const unknown = parts.filter((part) => namedBy(row, part) === undefined && !isAdaptive(part));
  const known = parts.flatMap((part) => namedBy(row, part) ?? []);
  if (known.length === 0) return undefined;
  unknown.forEach(leaveOut);
  return known;
}

function leftOut(fileName: string, key: string, name: string): string {
  return `${fileName}: "${key}" has a stage that is not known, "${name.trim().slice(0, 60)}". It is left out.`;
}

function ignored(fileName: string, key: string, value: unknown): string {
  const shown = typeof value === 'object' ? 'a nested value' : String(value).slice(0, 60);
  return `${fileName}: "${key}" is ${shown}, which is not valid. The app's default is used.`;
}
