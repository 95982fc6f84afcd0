/**
 * The stored settings, in `settings.json` or in a browser's database: the settings, a version, and unknown keys, which
 * another release of Tokenscope may have written and which are preserved.
 */
import { isRecord } from '../is-record.ts';
import type { Settings } from './app-services.ts';
import { parseStoredSettings } from './settings-schemas.ts';

/** Increases when an earlier release could not read the file without loss. */
const SETTINGS_VERSION = 1;

/** Replaced when each model got its own settings, which now start with these. */
const REPLACED_KEYS = ['sampling', 'stop'];

type Keys = Readonly<Record<string, unknown>>;

export interface SettingsFile {
  settings: Settings;
  /** Whether a later release wrote it, so that it must not be changed. */
  isLater: boolean;
  /** The parsed file, for `settingsToWrite`. */
  stored: Keys;
}

/** @returns null for an invalid value */
export function readSettings(value: unknown): SettingsFile | null {
  if (!isRecord(value)) return null;
  const { version } = value;
  const isLater = typeof version === 'number' && version > SETTINGS_VERSION;
  return { settings: parseStoredSettings(value), isLater, stored: value };
}

/** @param file as it was last read */
export function settingsToWrite(settings: Settings, { settings: read, stored }: SettingsFile): Keys {
  const replaced = Object.hasOwn(stored, 'perModel') ? [] : REPLACED_KEYS;
  const kept = Object.fromEntries(Object.entries(stored).filter(([key]) => !replaced.includes(key)));
  return { ...withUnknown({ ...settings }, { ...read }, kept), version: SETTINGS_VERSION };
}

/**
 * Adds what `stored` has but `read`, which was derived from it, lacks. Nothing is restored in parts that are gone, such
 * as the settings of a model that were reset.
 */
function withUnknown(value: Keys, read: Keys, stored: Keys): Keys {
  const result: Record<string, unknown> = { ...value };
  for (const [key, before] of Object.entries(stored)) {
    const [now, known] = [value[key], read[key]];
    if (!Object.hasOwn(read, key)) {
      if (!Object.hasOwn(value, key)) result[key] = before;
    } else if (isRecord(now) && isRecord(known) && isRecord(before)) {
      result[key] = key === 'perModel' ? perModel(now, known, before) : withUnknown(now, known, before);
    }
  }
  return result;
}

/** Models that were dropped on reading, because there were too many, stay dropped. */
function perModel(value: Keys, read: Keys, stored: Keys): Keys {
  return withUnknown(value, read, Object.fromEntries(Object.entries(stored).filter(([id]) => Object.hasOwn(read, id))));
}
