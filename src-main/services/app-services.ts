import { join } from 'node:path';
import { EngineError } from '../engine/errors.ts';
import type {
  AppEvent,
  AppMethodName,
  AppMethods,
  AppServices,
  AboutInfo,
  ModelListing,
  Settings,
} from '../protocol/app-services.ts';
import { about } from './about.ts';
import { ChatStore } from './chat-store.ts';
import { InstanceLock, type LockTimes } from './instance-lock.ts';
import type { DownloadTimes } from './models/download/download-manager.ts';
import { ModelService } from './models/model-service.ts';
import type { PlacedFile } from './models/model-place.ts';
import { overridesOf } from './models/overrides.ts';
import { NetworkLog } from './network-log.ts';
import { SettingsStore } from './settings-store.ts';
import { systemMemory } from './system-memory.ts';

export interface LocalServicesOptions {
  host: AboutInfo['host'];
  dataFolder: string;
  /** Folder with one folder per built-in model. */
  modelsDir: string;
  /** Left out, `catalogue.json` beside that folder. */
  cataloguePath?: string;
  /** Opens an https address in the system's browser. */
  openExternal(url: string): Promise<void>;
  /** Ends and restarts the engine's process. */
  restartEngine(): Promise<void>;
  /** Asks a person for a model's file; null when none was chosen. Left out where the page does that itself. */
  chooseModel?(): Promise<string | null>;
  /** Asks a person for a folder; null when none was chosen. Left out where there is no dialog for that. */
  chooseFolder?(): Promise<string | null>;
  /** Shows a file in the system's file manager. */
  showInFolder?(path: string): void;
  /** The host's own part of a changed setting, for example the window's background. */
  onSettings?(settings: Settings): void;
  lockTimes?: Partial<LockTimes>;
  downloadTimes?: Partial<DownloadTimes>;
}

type Handlers = { [M in AppMethodName]: (...params: AppMethods[M]['params']) => Promise<AppMethods[M]['result']> };
type EngineEvent = Extract<AppEvent, { type: 'engine' }>;

/** Notices kept for a page that is not there yet. */
const MAX_WAITING_NOTICES = 20;

/** `AppServices` on the files of this computer. Params are taken as checked: hosts do that at their edge. */
export class LocalAppServices implements AppServices {
  readonly networkLog = new NetworkLog();
  readonly #lock: InstanceLock;
  readonly #settings: SettingsStore;
  readonly #chats: ChatStore;
  readonly #models: ModelService;
  /** Whether a person can give this host a path. */
  readonly #opensModels: boolean;
  readonly #handlers: Handlers;
  readonly #onSettings: (settings: Settings) => void;
  readonly #listeners = new Set<(event: AppEvent) => void>();
  #engine: EngineEvent | null = null;
  #waitingNotices: AppEvent[] = [];
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: LocalServicesOptions) {
    this.#onSettings = (settings) => options.onSettings?.(settings);
    const notice = (message: string): void => this.emit({ type: 'notice', message });
    this.#lock = new InstanceLock(options.dataFolder, options.host === 'web' ? 'web' : 'app', options.lockTimes);
    this.#settings = new SettingsStore(options.dataFolder, this.#lock, notice);
    this.#chats = new ChatStore(options.dataFolder, this.#lock, notice);
    const overrides = overridesOf();
    this.#models = new ModelService({
      dataFolder: options.dataFolder,
      modelsDir: options.modelsDir,
      cataloguePath:
        options.cataloguePath ?? overrides.cataloguePath ?? join(options.modelsDir, '..', 'catalogue.json'),
      emit: (event) => this.emit(event),
      mirror: () => this.#settings.value.downloads.mirror ?? overrides.mirror,
      proxy: () => this.#settings.value.downloads.proxy,
      log: this.networkLog,
      downloadTimes: { ...overrides.times, ...options.downloadTimes },
      chooseModel: options.chooseModel?.bind(options),
      chooseFolder: options.chooseFolder?.bind(options),
      showInFolder: options.showInFolder?.bind(options),
    });
    this.#opensModels = options.chooseModel !== undefined;
    this.#handlers = {
      about: async () => about(options.host, options.dataFolder),
      settingsGet: async () => this.#settings.value,
      settingsSet: async (patch) => {
        // Told even if saving fails, because the change holds all the same.
        const saved = this.#settings.set(patch);
        this.emit({ type: 'settings', settings: this.#settings.value });
        return await saved;
      },
      chatsList: async () => await this.#chats.list(),
      chatGet: async (id) => await this.#chats.get(id),
      chatSave: async (chat) => {
        await this.#chats.save(chat);
        this.emit({ type: 'chats' });
        return null;
      },
      chatDelete: async (id) => {
        await this.#chats.delete(id);
        this.emit({ type: 'chats' });
        return null;
      },
      chatsSearch: async (query) => await this.#chats.search(query),
      ...this.#models.handlers,
      systemMemory: async () => systemMemory(),
      networkLog: async () => this.networkLog.records(),
      openExternal: async (url) => {
        await options.openExternal(url);
        return null;
      },
      engineRestart: async () => {
        await options.restartEngine();
        return null;
      },
    };
  }

  /** Takes the data folder, or becomes read-only, and reads the settings. */
  async start(): Promise<void> {
    await this.#lock.start();
    await this.#settings.load();
    await this.#models.start();
    if (this.#lock.problem === null) await this.#chats.removeLeftovers();
    this.#lock.onChange((problem) => void this.#onLockChange(problem));
  }

  /** Waits for what is being saved, then gives the data folder back. */
  async stop(): Promise<void> {
    await this.#models.stop();
    await Promise.allSettled(this.#running);
    await this.#settings.stop();
    await this.#lock.release();
  }

  async invoke<M extends AppMethodName>(
    method: M,
    ...params: AppMethods[M]['params']
  ): Promise<AppMethods[M]['result']> {
    const running = this.#handlers[method](...params);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /**
   * Remembers a model that a person dropped on the window. The path must not come from a page.
   * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST for what is no model
   */
  async addModel(path: string): Promise<ModelListing> {
    if (!this.#opensModels) throw opensNoPaths();
    return await this.#models.add(path);
  }

  /** Where an opened model lies, for the engine's process; null for an id that stands for none. */
  pathOfModel(id: string): string | null {
    return this.#models.pathOf(id);
  }

  /** The files of a model of the library, to be served to a page; null for an id that stands for none. */
  async filesOfModel(id: string): Promise<{ name: string; files: PlacedFile[] } | null> {
    return await this.#models.filesOf(id);
  }

  /** A new listener hears the present state first, so that nothing is missed while a page loads. */
  onEvent(listener: (event: AppEvent) => void): () => void {
    this.#listeners.add(listener);
    if (this.#engine !== null) listener(this.#engine);
    if (this.#lock.problem !== null) listener({ type: 'readOnly', message: this.#lock.problem });
    for (const event of this.#waitingNotices.splice(0)) listener(event);
    return () => this.#listeners.delete(listener);
  }

  emit(event: AppEvent): void {
    if (event.type === 'engine') this.#engine = event;
    if (event.type === 'settings') this.#onSettings(event.settings);
    if (event.type === 'notice' && this.#listeners.size === 0) {
      this.#waitingNotices = [...this.#waitingNotices, event].slice(-MAX_WAITING_NOTICES);
    }
    for (const listener of this.#listeners) listener(event);
  }

  async #onLockChange(problem: string | null): Promise<void> {
    this.emit({ type: 'readOnly', message: problem });
    if (problem !== null) return;
    try {
      await this.#settings.load();
      await this.#settings.saveUnsaved();
    } catch (error) {
      this.emit({ type: 'notice', message: error instanceof Error ? error.message : String(error) });
    }
    this.emit({ type: 'settings', settings: this.#settings.value });
    this.emit({ type: 'chats' });
  }
}

function opensNoPaths(): EngineError {
  return new EngineError('BAD_REQUEST', 'In the browser, choose or drop the model’s file in the page itself.');
}
