import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { Settings } from '../../../../src-main/protocol/app/app-services.ts';
import type { PageServices } from '../../../lib/services.ts';

/** Changes within this time are written together, ms. A dragged slider changes every frame. */
const WRITE_AFTER_MS = 250;

/** The settings. They change at once, are saved a little later, and are reverted if rejected. */
export class SettingsState {
  /** Replaced with every change and never mutated, so parts can be sent as they are. */
  current = $state.raw<Settings>({} as Settings);
  /** Why the last change was not saved, or null. */
  error = $state<string | null>(null);

  readonly #services: PageServices;
  #written: Settings;
  #pending: Partial<Settings> = {};
  /** Being saved. */
  #sent: Partial<Settings> = {};
  #timer: ReturnType<typeof setTimeout> | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(services: PageServices, initial: Settings) {
    this.#services = services;
    this.current = initial;
    this.#written = initial;
    services.onEvent((event) => {
      if (event.type === 'settings') this.#adopt(event.settings);
    });
  }

  static async load(services: PageServices): Promise<SettingsState> {
    return new SettingsState(services, await services.invoke('settingsGet'));
  }

  /** Replaces top-level keys. */
  update(patch: Partial<Settings>): void {
    this.current = { ...this.current, ...patch };
    this.#pending = { ...this.#pending, ...patch };
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), WRITE_AFTER_MS);
  }

  setPanel(patch: Partial<Settings['panel']>): void {
    this.update({ panel: { ...this.current.panel, ...patch } });
  }

  /** Saves pending changes. Never rejects: see `error`. */
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

  /** The page is closing: sends what is not saved, without waiting for the write in progress, which may not end. */
  flushLast(): void {
    const patch = { ...this.#sent, ...this.#pending };
    if (Object.keys(patch).length === 0) return;
    // The changes stay here in case the page is not closed after all.
    this.#services.invokeLast('settingsSet', patch).catch(() => undefined);
  }

  async #write(patch: Partial<Settings>): Promise<void> {
    try {
      this.#written = await this.#services.invoke('settingsSet', patch);
      this.error = null;
    } catch (error) {
      const { code, message } = EngineError.from(error);
      this.error = message;
      // A read-only instance can still try settings. Only a rejected value is reverted.
      if (code === 'BAD_REQUEST') this.current = { ...this.#written, ...this.#pending };
    }
  }

  /** Adopts settings changed by another window or the app. Pending changes here win. */
  #adopt(settings: Settings): void {
    this.#written = settings;
    this.current = { ...settings, ...this.#sent, ...this.#pending };
  }
}
