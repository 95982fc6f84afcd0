import { join } from 'node:path';
import { defaultSettings, parseStoredSettings } from '../protocol/settings-schemas.ts';
import type { Settings } from '../protocol/app-services.ts';
import type { InstanceLock } from './instance-lock.ts';
import { putAside, readJson, writeJson } from './json-file.ts';

/** Settings in `settings.json`. Held in memory; changes that come while one is being written share the next write. */
export class SettingsStore {
  readonly #path: string;
  readonly #lock: InstanceLock;
  readonly #notice: (message: string) => void;
  #settings: Settings = defaultSettings();
  /** Changes made while another instance held the data folder. */
  #unsaved: Partial<Settings> = {};
  #writing: Promise<void> = Promise.resolve();
  #nextWrite: Promise<void> | null = null;

  /** @param notice tells a person about a damaged file */
  constructor(folder: string, lock: InstanceLock, notice: (message: string) => void) {
    this.#path = join(folder, 'settings.json');
    this.#lock = lock;
    this.#notice = notice;
  }

  get value(): Settings {
    return structuredClone(this.#settings);
  }

  /** Reads the file again; to be called at the start and when another instance may have written it. */
  async load(): Promise<void> {
    const read = await readJson(this.#path);
    if (read.state === 'damaged') await this.#putAside(read.why);
    const stored = read.state === 'read' ? parseStoredSettings(read.value) : defaultSettings();
    this.#settings = { ...stored, ...this.#unsaved };
  }

  /**
   * Merges top-level keys. Without the lock the change holds for this instance and is saved once it gets the lock.
   * @throws EngineError STORAGE; the change then still holds until the app ends
   */
  async set(patch: Partial<Settings>): Promise<Settings> {
    this.#settings = { ...this.#settings, ...structuredClone(patch) };
    if (this.#lock.problem !== null) {
      this.#unsaved = { ...this.#unsaved, ...structuredClone(patch) };
      return this.value;
    }
    await this.#save();
    return this.value;
  }

  /** Saves what could not be saved before. */
  async saveUnsaved(): Promise<void> {
    if (Object.keys(this.#unsaved).length === 0) return;
    await this.#save();
    this.#unsaved = {};
  }

  #save(): Promise<void> {
    this.#nextWrite ??= this.#writing
      // A failed write has been reported to its own caller.
      .catch(() => undefined)
      .then(() => {
        this.#nextWrite = null;
        this.#writing = this.#write();
        return this.#writing;
      });
    return this.#nextWrite;
  }

  async #write(): Promise<void> {
    await this.#lock.assertHeld();
    await writeJson(this.#path, this.#settings);
  }

  async #putAside(why: string): Promise<void> {
    if (this.#lock.problem !== null) {
      this.#notice(`The settings could not be read (${why}). The defaults are used here; the file is left as it is.`);
      return;
    }
    const kept = await putAside(this.#path);
    this.#notice(`The settings could not be read (${why}). The defaults are used; the old file is kept as ${kept}.`);
  }
}
