import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../engine/api/errors.ts';
import type { AboutInfo } from '../protocol/app/about.ts';
import type {
  AppEvent,
  AppMethodName,
  AppMethods,
  AppServices,
  EmittedEvent,
  ModelListing,
  OpenedItem,
  Settings,
} from '../protocol/app/app-services.ts';
import { about } from './about.ts';
import { ChatStore } from './chats/chat-store.ts';
import { ComparisonStore } from './comparisons/comparison-store.ts';
import { writeText } from './json-file.ts';
import { InstanceLock, type LockTimes } from './instance-lock.ts';
import type { DownloadTimes } from './models/download/download-manager.ts';
import { ModelService } from './models/model-service.ts';
import type { LocatedFile } from './models/model-location.ts';
import { overridesOf } from './models/overrides.ts';
import { NetworkLog } from './network-log.ts';
import { SavedItemStore } from './presets/saved-item-store.ts';
import { SettingsStore } from './settings-store.ts';
import { systemMemory } from './system-resources.ts';
import type { Installation } from './updates/installation.ts';
import { createUpdates } from './updates/create-updates.ts';
import type { UpdateService, UpdateSource } from './updates/update-service.ts';

export interface LocalServicesOptions {
  host: AboutInfo['host'];
  dataFolder: string;
  /** Folder with one folder per built-in model. */
  modelsDir: string;
  /** By default `catalogue.json` next to that folder. */
  cataloguePath?: string;
  /** Opens an https address in the system's browser. */
  openExternal(url: string): Promise<void>;
  /** Stops and restarts the engine's process. */
  restartEngine(): Promise<void>;
  /** Shows a dialog for a model's file; null when none was chosen. Absent if the page does that itself. */
  chooseModel?(): Promise<string | null>;
  /** Shows a dialog for a folder; null when none was chosen. Absent if there is no such dialog. */
  chooseFolder?(): Promise<string | null>;
  /** Shows a dialog to save a file; null when it was cancelled. Absent if the page does that itself. */
  chooseTarget?(name: string): Promise<string | null>;
  /** Shows a file in the system's file manager. */
  showInFolder?(path: string): void;
  /** Applies a changed setting in the host, for example the window's background. */
  onSettings?(settings: Settings): void;
  /** How the app was installed, and where its updates are. Absent if the host does not update itself. */
  updates?: { installation: Installation; source: UpdateSource | null };
  lockTimes?: Partial<LockTimes>;
  downloadTimes?: Partial<DownloadTimes>;
}

type Handlers = { [M in AppMethodName]: (...params: AppMethods[M]['params']) => Promise<AppMethods[M]['result']> };
type EngineEvent = Extract<AppEvent, { type: 'engine' }>;
type NoticeEvent = Extract<AppEvent, { type: 'notice' }>;

/** Maximum number of notices kept for pages that connect later. */
const MAX_NOTICES = 20;
/** Longest wait for saves and downloads when the app quits, ms. */
const STOP_MS = 3000;
/**
 * Share of that for calls of pages. In the rest of the time, the stores finish what is running and write their indexes.
 */
const CALLS_SHARE = 2 / 3;
/** Calls that wait for a person in a system dialog, or for a server. Quitting the app does not wait for them. */
const UNAWAITED: ReadonlySet<AppMethodName> = new Set([
  'modelOpen',
  'modelLocate',
  'modelsFolderChoose',
  'textSave',
  'updateCheck',
]);

/** `AppServices` on the files of this computer. Hosts check parameters before they call it. */
export class LocalAppServices implements AppServices {
  readonly networkLog = new NetworkLog();
  readonly #lock: InstanceLock;
  readonly #settings: SettingsStore;
  readonly #chats: ChatStore;
  readonly #comparisons: ComparisonStore;
  readonly #savedItems: SavedItemStore;
  readonly #models: ModelService;
  readonly #updates: UpdateService;
  /** Whether the host can open models by path. */
  readonly #opensModels: boolean;
  readonly #handlers: Handlers;
  readonly #onSettings: (settings: Settings) => void;
  readonly #listeners = new Set<(event: AppEvent) => void>();
  #engine: EngineEvent | null = null;
  #notices: NoticeEvent[] = [];
  /** Waits for a page. */
  #opened: OpenedItem[] = [];
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: LocalServicesOptions) {
    this.#onSettings = (settings) => options.onSettings?.(settings);
    const notice = (message: string): void => this.emit({ type: 'notice', message });
    this.#lock = new InstanceLock(options.dataFolder, options.host === 'web' ? 'web' : 'app', options.lockTimes);
    this.#settings = new SettingsStore(options.dataFolder, this.#lock, notice);
    const storage = {
      dataFolder: options.dataFolder,
      lock: this.#lock,
      emit: (event: EmittedEvent) => this.emit(event),
    };
    this.#chats = new ChatStore(storage);
    this.#comparisons = new ComparisonStore(storage);
    this.#savedItems = new SavedItemStore(storage);
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
      recognises: true,
      downloadTimes: { ...overrides.times, ...options.downloadTimes },
      chooseModel: options.chooseModel?.bind(options),
      chooseFolder: options.chooseFolder?.bind(options),
      showInFolder: options.showInFolder?.bind(options),
    });
    this.#updates = createUpdates({
      ...options.updates,
      dataFolder: options.dataFolder,
      log: this.networkLog,
      proxy: () => this.#settings.value.downloads.proxy,
      automatic: () => this.#settings.value.updates.automatic,
      times: { ...overrides.times, ...options.downloadTimes },
      emit: (state) => this.emit({ type: 'update', state }),
    });
    this.#opensModels = options.chooseModel !== undefined;
    this.#handlers = {
      about: async () => about(options.host, options.dataFolder),
      settingsGet: async () => this.#settings.value,
      settingsSet: async (patch) => {
        // Listeners are called even if saving fails, because the change is in effect.
        const saved = this.#settings.set(patch);
        this.emit({ type: 'settings', settings: this.#settings.value });
        return await saved;
      },
      chatsList: async () => await this.#chats.list(),
      chatsSearch: async (query) => await this.#chats.search(query),
      chatHit: async (request) => await this.#chats.hit(request),
      chatGet: async (id) => await this.#chats.get(id),
      chatSince: async (id, revision) => await this.#chats.since(id, revision),
      chatWrite: async (write) => await this.#chats.write(write),
      chatDetails: async (range) => await this.#chats.details(range),
      chatDelete: async (id) => {
        await this.#chats.delete(id);
        return null;
      },
      chatRestore: async (id) => {
        await this.#chats.restore(id);
        return null;
      },
      chatsDeleted: async () => await this.#chats.deleted(),
      chatsPurge: async (ids) => {
        await this.#chats.purge(ids);
        return null;
      },
      comparisonsList: async () => await this.#comparisons.list(),
      comparisonRead: async (id) => await this.#comparisons.read(id),
      comparisonWrite: async (write) => await this.#comparisons.write(write),
      comparisonDelete: async (id) => {
        await this.#comparisons.delete(id);
        return null;
      },
      comparisonRestore: async (id) => {
        await this.#comparisons.restore(id);
        return null;
      },
      savedItems: async () => await this.#savedItems.list(),
      savedItemChange: async (change) => await this.#savedItems.change(change),
      ...this.#models.handlers,
      textSave: async ({ name, text }) => {
        if (options.chooseTarget === undefined) throw pageSavesFiles();
        const path = await options.chooseTarget(name);
        if (path !== null) await writeText(path, text);
        return path !== null;
      },
      updateState: async () => this.#updates.state,
      updateCheck: async () => await this.#updates.check(),
      updateDownload: async () => this.#updates.download(),
      updatePause: async () => await this.#updates.pause(),
      openedTake: async () => this.#opened.splice(0),
      systemMemory: async () => systemMemory(),
      networkLog: async () => this.networkLog.records(),
      openExternal: async (url) => {
        await options.openExternal(url);
        return null;
      },
      dataFolderShow: async () => {
        if (options.showInFolder === undefined) throw noFileManager(options.dataFolder);
        options.showInFolder(options.dataFolder);
        return await Promise.resolve(null);
      },
      engineRestart: async () => {
        await options.restartEngine();
        return null;
      },
    };
  }

  /** Locks the data folder, or becomes read-only, and reads the settings. */
  async start(): Promise<void> {
    await this.#lock.start();
    await this.#settings.load();
    await this.#models.start();
    await this.#updates.start();
    this.#chats.start();
    this.#comparisons.start();
    this.#lock.onChange((problem) => void this.#onLockChange(problem));
  }

  /** Waits for pending saves, up to a limit, and unlocks the data folder. */
  async stop(limitMs = STOP_MS): Promise<void> {
    const given = new AbortController();
    const after = (ms: number) => sleep(ms, undefined, { signal: given.signal }).catch(() => undefined);
    // Calls may arrive during the wait.
    const saved = async (): Promise<void> => {
      while (this.#running.size > 0) await Promise.allSettled(this.#running);
    };
    // A call that never ends must not keep the stores from writing what they have.
    const stores = Promise.race([saved(), after(limitMs * CALLS_SHARE)]).then(() =>
      Promise.allSettled([this.#chats.stop(), this.#comparisons.stop(), this.#savedItems.stop()]),
    );
    await Promise.race([Promise.allSettled([this.#models.stop(), stores]), after(limitMs)]);
    given.abort();
    await this.#settings.stop();
    await this.#lock.release();
    await this.#updates.halt();
  }

  /**
   * Installs an update that a person downloaded. Last of all, before the app exits.
   * @param restarts asked right before an installer starts: whether it starts the app again
   * @returns whether an installer replaces the app from now on
   */
  async installUpdate(restarts: () => boolean): Promise<boolean> {
    return await this.#updates.stop(restarts);
  }

  async invoke<M extends AppMethodName>(
    method: M,
    ...params: AppMethods[M]['params']
  ): Promise<AppMethods[M]['result']> {
    const running = this.#handlers[method](...params);
    if (!UNAWAITED.has(method)) this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /**
   * Adds a model that a person dropped on the window. The path must not come from a page.
   * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST if it is not a model
   */
  async addModel(path: string): Promise<ModelListing> {
    if (!this.#opensModels) throw opensNoPaths();
    return await this.#models.add(path);
  }

  /** Shows a model file or a question in the page, when there is one. A file that is not a model becomes a notice. */
  async open(request: { type: 'model'; path: string } | { type: 'question'; text: string }): Promise<void> {
    try {
      const { type } = request;
      this.#opened.push(type === 'model' ? { type, listing: await this.addModel(request.path) } : request);
      this.emit({ type: 'opened' });
    } catch (error) {
      this.emit({ type: 'notice', message: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Path of an opened model, for the engine's process; null for an unknown id. */
  pathOfModel(id: string): string | null {
    return this.#models.pathOf(id);
  }

  /** The files of a model of the library, to be served to a page; null for an unknown id. */
  async filesOfModel(id: string): Promise<{ name: string; files: LocatedFile[] } | null> {
    return await this.#models.filesOf(id);
  }

  /** A new listener first receives the current state and all notices, so that nothing is missed while a page loads. */
  onEvent(listener: (event: AppEvent) => void): () => void {
    this.#listeners.add(listener);
    if (this.#engine !== null) listener(this.#engine);
    // Even if it may write: a page that lost its connection may have an outdated state.
    listener({ type: 'readOnly', message: this.#lock.problem });
    for (const notice of this.#notices) listener(notice);
    return () => this.#listeners.delete(listener);
  }

  emit(emitted: EmittedEvent): void {
    const event: AppEvent = emitted.type === 'notice' ? { ...emitted, id: randomUUID() } : emitted;
    if (event.type === 'engine') this.#engine = event;
    if (event.type === 'settings') this.#onSettings(event.settings);
    if (event.type === 'notice') this.#notices = [...this.#notices, event].slice(-MAX_NOTICES);
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
    this.#chats.tookOver();
  }
}

function pageSavesFiles(): EngineError {
  return new EngineError('BAD_REQUEST', 'In the browser, the page saves files as downloads.');
}

function noFileManager(path: string): EngineError {
  return new EngineError('BAD_REQUEST', `This is not possible in a browser. The folder is ${path}.`);
}

function opensNoPaths(): EngineError {
  return new EngineError('BAD_REQUEST', 'In the browser, choose or drop the model file in the page itself.');
}
