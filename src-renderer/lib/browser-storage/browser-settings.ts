/** Settings in the browser's database. */
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppEvent, Settings } from '../../../src-main/protocol/app/app-services.ts';
import { readSettings, settingsToWrite, type SettingsFile } from '../../../src-main/protocol/app/settings-file.ts';
import { defaultSettings } from '../../../src-main/protocol/app/settings-schemas.ts';
import type { Database } from './database.ts';

const KEY = 'settings';
/** Interval of retries to save, ms. */
const RETRY_MS = 5000;

export class BrowserSettings {
  readonly #database: Database;
  readonly #emit: (event: AppEvent) => void;
  /** Changes that could not be saved yet; they are in effect in this tab. */
  #unsaved: Partial<Settings> = {};
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(database: Database, emit: (event: AppEvent) => void) {
    this.#database = database;
    this.#emit = emit;
  }

  /** @throws EngineError STORAGE */
  async get(): Promise<Settings> {
    const stored = await this.#database.run(['values'], 'readonly', ({ values }) => values.get(KEY));
    return { ...fileOf(stored?.value).settings, ...this.#unsaved };
  }

  /** Merges top-level keys. @throws EngineError STORAGE when not saved; the change is in effect, and saving is retried */
  async set(patch: Partial<Settings>): Promise<Settings> {
    this.#unsaved = { ...this.#unsaved, ...patch };
    try {
      return await this.#save();
    } catch (error) {
      const { message, details } = EngineError.from(error);
      const rest = 'The change is in effect, and Tokenscope keeps trying to save it.';
      throw new EngineError('STORAGE', `${message} ${rest}`, details, { cause: error });
    }
  }

  async #save(): Promise<Settings> {
    clearTimeout(this.#retry);
    const saving = this.#unsaved;
    try {
      const settings = await this.#database.run(['values'], 'readwrite', async ({ values }) => {
        const file = fileOf((await values.get(KEY))?.value);
        const merged = { ...file.settings, ...saving };
        // A later version's settings are left alone.
        if (!file.isLater) await values.put({ key: KEY, value: settingsToWrite(merged, file) });
        return merged;
      });
      this.#unsaved = Object.fromEntries(
        Object.entries(this.#unsaved).filter(([key, value]) => value !== saving[key as keyof Settings]),
      );
      this.#emit({ type: 'settings', settings });
      return settings;
    } catch (error) {
      // A failed retry schedules the next one.
      this.#retry = setTimeout(() => void this.#save().catch(() => undefined), RETRY_MS);
      throw error;
    }
  }
}

function fileOf(value: unknown): SettingsFile {
  return readSettings(value) ?? { settings: defaultSettings(), isLater: false, stored: {} };
}
