import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { AppServices, Settings } from '../../../../src-main/protocol/app/app-services.ts';

/** Changes within this time are written together, ms. A slider that is dragged changes at every frame. */
const WRITE_AFTER_MS = 250;

/** The settings: changed at once, written a little later, and put back when they cannot be written. */
export class SettingsState {
  /** Replaced as a whole with every change; never changed in place, so parts can be sent as they are. */
  current = $state.raw<Settings>({} as Settings);
  /** Why the last change was not written; null: it was. */
  error = $state<string | null>(null);

  readonly #services: AppServices;
  #written: Settings;
  #pending: Partial<Settings> = {};
  /** On the way to the disk. */
  #sent: Partial<Settings> = {};
  #timer: ReturnType<typeof setTimeout> | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(services: AppServices, initial: Settings) {
    this.#services = services;
    this.current = initial;
    this.#written = initial;
    services.onEvent((event) => {
      if (event.type === 'settings') this.#adopt(event.settings);
    });
  }

  static async load(services: AppServices): Promise<SettingsState> {
    return new SettingsState(services, await services.invoke('settingsGet'));
  }

  /** Top-level keys, each whole. */
  update(patch: Partial<Settings>): void {
    this.current = { ...this.current, ...patch };
    this.#pending = { ...this.#pending, ...patch };
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), WRITE_AFTER_MS);
  }

  setPanel(patch: Partial<Settings['panel']>): void {
    this.update({ panel: { ...this.current.panel, ...patch } });
  }

  /** Writes what is not written yet. Never rejects: see `error`. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const patch = this.#pending;
    this.#pending = {};
    if (Object.keys(patch).length === 0) return this.#writing;
    this.#sent = { ...this.#sent, ...patch };
    const writing = this.#writing.then(() => this.#write(patch));
    this.#writing = writing;
    void writing.then(() => {
      if (this.#writing === writing) this.#sent = {};
    });
    return writing;
  }

  async #write(patch: Partial<Settings>): Promise<void> {
    try {
      this.#written = await this.#services.invoke('settingsSet', patch);
      this.error = null;
    } catch (error) {
      const { code, message } = EngineError.from(error);
      this.error = message;
      // An instance that may not write still lets a person try settings; a value that was refused goes back.
      if (code === 'BAD_REQUEST') this.current = { ...this.#written, ...this.#pending };
    }
  }

  /** Another window or the app itself changed the settings. What is being changed here wins. */
  #adopt(settings: Settings): void {
    this.#written = settings;
    this.current = { ...settings, ...this.#sent, ...this.#pending };
  }
}
