/**
 * The content of `settings.json`: the settings, a version, and whatever else was in the file, which another release of
 * Tokenscope may have put there and which is written back as it was.
 */
import type { Settings } from '../protocol/app/app-services.ts';
import { parseStoredSettings } from '../protocol/app/settings-schemas.ts';

/** Goes up when an earlier release could not read the file any more without losing something. */
export const SETTINGS_VERSION = 1;

/** Until each model had settings of its own; they are the first model's now. */
const REPLACED_KEYS = ['sampling', 'stop'];

type Keys = Readonly<Record<string, unknown>>;

export interface SettingsFile {
  settings: Settings;
  /** Written by a later release: to be left as it is. */
  isLater: boolean;
  /** What the file held, for `settingsToWrite`. */
  stored: Keys;
}

/** @returns null for a value that is no settings at all */
export function readSettings(value: unknown): SettingsFile | null {
  if (!isKeys(value)) return null;
  const { version } = value;
  const isLater = typeof version === 'number' && version > SETTINGS_VERSION;
  return { settings: parseStoredSettings(value), isLater, stored: value };
}

/** @param file what was read last */
export function settingsToWrite(settings: Settings, { settings: read, stored }: SettingsFile): Keys {
  const replaced = Object.hasOwn(stored, 'perModel') ? [] : REPLACED_KEYS;
  const kept = Object.fromEntries(Object.entries(stored).filter(([key]) => !replaced.includes(key)));
  return { ...withUnknown({ ...settings }, { ...read }, kept), version: SETTINGS_VERSION };
}

/**
 * Adds what `stored` has and `read`, which was made of it, has not. Of a part that is in neither any more, such as the
 * settings of a model that were reset, nothing comes back.
 */
function withUnknown(value: Keys, read: Keys, stored: Keys): Keys {
  const result: Record<string, unknown> = { ...value };
  for (const [key, before] of Object.entries(stored)) {
    const [now, known] = [value[key], read[key]];
    if (!Object.hasOwn(read, key)) {
      if (!Object.hasOwn(value, key)) result[key] = before;
    } else if (isKeys(now) && isKeys(known) && isKeys(before)) {
      result[key] = key === 'perModel' ? perModel(now, known, before) : withUnknown(now, known, before);
    }
  }
  return result;
}

/** Models that were left out on reading, because there were too many, stay out. */
function perModel(value: Keys, read: Keys, stored: Keys): Keys {
  return withUnknown(value, read, Object.fromEntries(Object.entries(stored).filter(([id]) => Object.hasOwn(read, id))));
}

function isKeys(value: unknown): value is Keys {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
