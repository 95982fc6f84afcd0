import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EngineError } from '../engine/api/errors.ts';
import { defaultSettings } from '../protocol/app/settings-schemas.ts';
import type { Settings } from '../protocol/app/app-services.ts';
import type { InstanceLock } from './instance-lock.ts';
import { putAside, readJson, writeJson, type JsonRead } from './json-file.ts';
import { readSettings, settingsToWrite, type SettingsFile } from '../protocol/app/settings-file.ts';

const FILE = 'settings.json';
/** Interval of retries to save, ms. */
const RETRY_MS = 5000;

/**
 * Settings in `settings.json`. A change that cannot be saved now takes effect in memory, and is saved as soon as
 * possible. Changes during a write are combined in the next one.
 */
export class SettingsStore {
  readonly #path: string;
  readonly #lock: InstanceLock;
  readonly #notice: (message: string) => void;
  readonly #retryMs: number;
  #settings: Settings = defaultSettings();
  /** As it was last read or written. */
  #file: SettingsFile = nothingStored();
  /** Changes that are not in the file yet. */
  #unsaved: Partial<Settings> = {};
  /** Why the file must not be changed; null if it may be written. */
  #leftAlone: string | null = null;
  #writing: Promise<void> = Promise.resolve();
  #nextWrite: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;

  /** @param notice reports an unusable file */
  constructor(folder: string, lock: InstanceLock, notice: (message: string) => void, retryMs = RETRY_MS) {
    this.#path = join(folder, FILE);
    this.#lock = lock;
    this.#notice = notice;
    this.#retryMs = retryMs;
  }

  get value(): Settings {
    return structuredClone(this.#settings);
  }

  /**
   * Reads the file again; must be called at the start and when another instance may have written it. Keeps unsaved
   * changes; in `perModel`, `laneSets` and `lessonAnswered`, entry by entry. For an unusable file it uses the defaults and
   * reports that.
   */
  async load(): Promise<void> {
    // A save while the file is read may be missing both from the content and from `#unsaved` afterwards.
    const unsaved = this.#unsaved;
    const before = this.#file.settings;
    this.#file = await this.#read();
    const { settings } = this.#file;
    const collections = mergedCollections(before, this.#settings, settings);
    this.#settings = { ...settings, ...unsaved, ...this.#unsaved, ...collections };
  }

  /**
   * Merges top-level keys. Without the lock, or with a file that must not be changed, the change takes effect in this
   * instance only; it is saved once that is possible.
   * @throws EngineError STORAGE when it could not be written; it still takes effect, and writing is retried
   */
  async set(patch: Partial<Settings>): Promise<Settings> {
    const change = structuredClone(patch);
    this.#settings = { ...this.#settings, ...change };
    this.#unsaved = { ...this.#unsaved, ...change };
    await this.saveUnsaved();
    return this.value;
  }

  /** Saves unsaved changes, if this instance may write. @throws EngineError STORAGE */
  async saveUnsaved(): Promise<void> {
    if (this.#lock.problem !== null || Object.keys(this.#unsaved).length === 0) return;
    this.#nextWrite ??= this.#writing
      // A failed write was reported to its own caller.
      .catch(() => undefined)
      .then(() => {
        this.#nextWrite = null;
        this.#writing = this.#write();
        return this.#writing;
      });
    await this.#nextWrite;
  }

  /** Tries once more to save unsaved changes, then stops. */
  async stop(): Promise<void> {
    // The first failure was already reported.
    await this.saveUnsaved().catch(() => undefined);
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  async #write(): Promise<void> {
    try {
      await this.#lock.assertHeld();
    } catch (error) {
      // Another instance has taken over: unsaved changes are saved when this one gets the lock back.
      if (EngineError.from(error).code === 'READ_ONLY') return;
      throw error;
    }
    // It may have been repaired meanwhile.
    if (this.#leftAlone !== null) await this.load();
    if (this.#leftAlone !== null) return;
    const saving = this.#unsaved;
    const settings = this.#settings;
    const stored = settingsToWrite(settings, this.#file);
    try {
      await writeJson(this.#path, stored);
    } catch (error) {
      this.#retryLater();
      const { message, details } = EngineError.from(error);
      const rest = 'The change is in effect, and Tokenscope keeps trying to save it.';
      throw new EngineError('STORAGE', `${message} ${rest}`, details, { cause: error });
    }
    this.#file = { settings, isLater: false, stored };
    this.#unsaved = Object.fromEntries(
      Object.entries(this.#unsaved).filter(([key, value]) => value !== saving[key as keyof Settings]),
    );
  }

  #retryLater(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    // A failed retry schedules the next one.
    this.#retry = setTimeout(() => void this.saveUnsaved().catch(() => undefined), this.#retryMs);
    this.#retry.unref();
  }

  async #read(): Promise<SettingsFile> {
    let read: JsonRead;
    try {
      read = await readJson(this.#path);
    } catch (error) {
      return this.#leaveAlone(`${EngineError.from(error).message} The defaults are used`);
    }
    if (read.state === 'missing') {
      this.#leftAlone = null;
      return nothingStored();
    }
    const file = read.state === 'read' ? readSettings(read.value) : null;
    if (file === null) return await this.#putAside(read.state === 'damaged' ? read.why : 'it contains no settings');
    if (file.isLater) {
      this.#leaveAlone(
        'The settings were written by a newer version of Tokenscope. Settings that this version knows are used',
      );
      return file;
    }
    this.#leftAlone = null;
    return file;
  }

  /** @param what ends without a full stop */
  #leaveAlone(what: string): SettingsFile {
    const message = `${what}. The file was not changed, and changes to settings are lost when the app quits.`;
    if (this.#leftAlone !== message) this.#notice(message);
    this.#leftAlone = message;
    return nothingStored();
  }

  async #putAside(why: string): Promise<SettingsFile> {
    const what = `The settings could not be read (${why}). The defaults are used`;
    // Only the instance that may write renames anything.
    if (this.#lock.problem !== null) return this.#leaveAlone(what);
    try {
      const kept = await putAside(this.#path);
      this.#leftAlone = null;
      this.#notice(`${what}. The old file was kept as ${kept}.`);
      return nothingStored();
    } catch {
      return this.#leaveAlone(`${what}, and the file could not be renamed`);
    }
  }
}

/** The theme alone, for a window before the settings are loaded: their `load` reports what is wrong with the file. */
export async function storedTheme(folder: string): Promise<Settings['theme']> {
  const read = await readJson(join(folder, FILE)).catch(() => null);
  const file = read?.state === 'read' ? readSettings(read.value) : null;
  return (file ?? nothingStored()).settings.theme;
}

function nothingStored(): SettingsFile {
  return { settings: defaultSettings(), isLater: false, stored: {} };
}

type Collections = Pick<Settings, 'perModel' | 'laneSets' | 'lessonAnswered'>;

/** Pages set each as a whole, but two instances may have changed different entries. @param before what `mine` was */
function mergedCollections(before: Collections, mine: Collections, theirs: Collections): Collections {
  const merged = <T>(entries: (settings: Collections) => Entries<T>) =>
    mergedEntries(entries(before), entries(mine), entries(theirs));
  return {
    perModel: Object.fromEntries(merged(({ perModel }) => Object.entries(perModel))),
    laneSets: merged(({ laneSets }) => laneSets.map((set) => [set.id, set])).map(([, set]) => set),
    lessonAnswered: merged(({ lessonAnswered }) => lessonAnswered.map((step) => [step, step])).map(([step]) => step),
  };
}

type Entries<T> = [id: string, value: T][];

/** Entries that I changed since `before` are mine, all others theirs. */
function mergedEntries<T>(before: Entries<T>, mine: Entries<T>, theirs: Entries<T>): Entries<T> {
  const [was, is] = [new Map(before), new Map(mine)];
  const isOwn = ([id]: [string, T]) => !isDeepStrictEqual(was.get(id), is.get(id));
  return [...theirs.filter((one) => !isOwn(one)), ...mine.filter(isOwn)];
}
