/** Model management apart from running models: the library, the catalogue, downloads, other programs' folders. */
import { join } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import type { EmittedEvent, AppMethodName, AppMethods, ModelListing } from '../../protocol/app/app-services.ts';
import type { ModelsFolder } from '../../protocol/app/downloads.ts';
import type { NetworkLog } from '../network-log.ts';
import { BUILT_IN_IDS, listBuiltInModels } from './built-in-models.ts';
import { downloadUrl, readCatalogue, type Catalogue, type CatalogueModel } from './catalogue.ts';
import { catalogueEntries } from './catalogue-entries.ts';
import { freeBytesAt } from '../system-resources.ts';
import { DownloadManager, type DownloadTimes } from './download/download-manager.ts';
import { findModels } from './found/found-models.ts';
import { ModelLibrary } from './library.ts';
import type { LocatedFile } from './model-location.ts';
import { Recogniser } from './recogniser.ts';
import { verifyModel } from './verify.ts';

export type ModelMethodName = Extract<
  AppMethodName,
  `model${string}` | `catalogue${string}` | `download${string}` | `models${string}`
>;
type Handlers = { [M in ModelMethodName]: (...params: AppMethods[M]['params']) => Promise<AppMethods[M]['result']> };

export interface ModelServiceOptions {
  dataFolder: string;
  /** Folder with one folder per built-in model. */
  modelsDir: string;
  cataloguePath: string;
  emit(event: EmittedEvent): void;
  /** The mirror of the settings, or null. */
  mirror(): string | null;
  proxy(): string | null;
  log: NetworkLog;
  downloadTimes?: Partial<DownloadTimes> | undefined;
  /**
   * Whether failing to save the library throws; by default it is reported, and changes stay in effect until the app
   * quits.
   */
  strict?: boolean;
  /** Whether files that are listed are compared with the catalogue, which reads some of them. By default they are not. */
  recognises?: boolean;
  /** Shows a dialog for a model's file; null when none was chosen. Absent if the page does that itself. */
  chooseModel?: (() => Promise<string | null>) | undefined;
  chooseFolder?: (() => Promise<string | null>) | undefined;
  showInFolder?: ((path: string) => void) | undefined;
}

export class ModelService {
  readonly library: ModelLibrary;
  readonly downloads: DownloadManager;
  readonly handlers: Handlers;
  readonly #options: ModelServiceOptions;
  /** Aborted when the app quits, which must not wait for hashing gigabytes. */
  readonly #ending = new AbortController();
  readonly #recogniser: Recogniser;
  #catalogue: Catalogue | null = null;

  constructor(options: ModelServiceOptions) {
    this.#options = options;
    const notice = (message: string): void => options.emit({ type: 'notice', message });
    this.library = new ModelLibrary(options.dataFolder, BUILT_IN_IDS, notice, { strict: options.strict ?? false });
    this.#recogniser = new Recogniser({
      library: this.library,
      catalogue: async () => (await this.catalogue()).models,
      signal: this.#ending.signal,
      onChange: () => this.#changed(null),
      onError: ({ message }) => notice(message),
    });
    this.downloads = new DownloadManager({
      folder: async () => (await this.modelsFolder()).path,
      find: async (id) => (await this.catalogue()).models.find((entry) => entry.id === id) ?? null,
      url: async (entry) => downloadUrl(entry, (await this.catalogue()).hub, options.mirror()),
      proxy: () => options.proxy(),
      log: options.log,
      emit: (event) => options.emit(event),
      add: async (entry, path, { sha256, isWritten }) => {
        const added = { name: entry.name, catalogueId: entry.id, sha256, isDownloaded: isWritten };
        return this.#changed(await this.library.add(path, added)).id;
      },
      ...(options.downloadTimes === undefined ? {} : { times: options.downloadTimes }),
    });
    this.handlers = {
      modelsList: () => this.#list(),
      modelOpen: async () => {
        const path = await chosen(options.chooseModel);
        return path === null ? null : await this.add(path);
      },
      modelRemove: async (id) => {
        await this.library.remove(id);
        return this.#changed(null);
      },
      modelRestore: async (id) => this.#changed(await this.library.restore(id)),
      modelDelete: async (id) => {
        await this.library.delete(id, this.#ownFolder, this.#ending.signal);
        return this.#changed(null);
      },
      modelLocate: async (id) => {
        this.library.require(id);
        const path = await chosen(options.chooseModel);
        return path === null ? null : this.#changed(await this.library.locate(id, path));
      },
      modelAccept: async (id) => this.#changed(await this.library.accept(id)),
      modelVerify: async (id) => this.#changed(await this.#verify(id)),
      modelUsed: async (id) => {
        await this.library.used(id);
        return this.#changed(null);
      },
      modelMeasured: async (id, rate) => {
        await this.library.measured(id, rate);
        return this.#changed(null);
      },
      modelShowInFolder: async (id) => {
        const { path } = this.library.require(id);
        if (options.showInFolder === undefined) throw notHere(`It is at ${path}.`);
        options.showInFolder(path);
        return await Promise.resolve(null);
      },
      modelsFound: async () => {
        await this.library.read();
        return await findModels(this.library.models);
      },
      modelAddFound: (id) => this.#addFound(id),
      catalogueList: async () => {
        const listings = await this.library.list();
        return catalogueEntries(await this.catalogue(), options.mirror(), listings);
      },
      downloadStart: async ({ catalogueId, termsAccepted }) => {
        const entry = await this.entry(catalogueId);
        if (entry.license.kind === 'terms' && !termsAccepted) {
          const { name, url } = entry.license;
          const message = `Read and accept the terms (${name}, ${url}) before downloading ${entry.name}.`;
          throw new EngineError('BAD_REQUEST', message, { catalogueId, url });
        }
        return await this.downloads.start(entry);
      },
      downloadPause: (id) => this.downloads.pause(id),
      downloadResume: (id) => this.downloads.resume(id),
      downloadCancel: async (id) => {
        await this.downloads.cancel(id);
        return null;
      },
      downloadsList: () => this.downloads.list(),
      modelsFolder: () => this.modelsFolder(),
      modelsFolderChoose: async () => {
        const path = await chosen(options.chooseFolder);
        if (path === null) return null;
        await this.library.setModelsFolder(path);
        return this.#changed(await this.modelsFolder());
      },
      modelsFolderReset: async () => {
        await this.library.setModelsFolder(null);
        return this.#changed(await this.modelsFolder());
      },
    };
  }

  /** @throws EngineError STORAGE */
  async start(): Promise<void> {
    await this.library.read();
  }

  /** Pauses downloads, and stops searching for files. */
  async stop(): Promise<void> {
    this.#ending.abort(new EngineError('CANCELLED', 'Tokenscope is closing.'));
    await this.downloads.stop();
  }

  /**
   * Adds a model by its path, which must not come from a page.
   * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST if it is not a model
   */
  async add(path: string): Promise<ModelListing> {
    return this.#changed(await this.library.add(path));
  }

  /** Path of a model of the library; null for an unknown id. */
  pathOf(id: string): string | null {
    return this.library.find(id)?.path ?? null;
  }

  /** The files of a model of the library, for the web host to serve; null for an unknown id. */
  async filesOf(id: string): Promise<{ name: string; files: LocatedFile[] } | null> {
    await this.library.read();
    return this.library.find(id) === null ? null : await this.library.files(id);
  }

  /** @throws EngineError STORAGE */
  async catalogue(): Promise<Catalogue> {
    return (this.#catalogue ??= await readCatalogue(this.#options.cataloguePath));
  }

  /** @throws EngineError BAD_REQUEST for an id that is not in the catalogue */
  async entry(catalogueId: string): Promise<CatalogueModel> {
    const found = (await this.catalogue()).models.find(({ id }) => id === catalogueId);
    if (found !== undefined) return found;
    throw new EngineError('BAD_REQUEST', `The catalogue has no model "${catalogueId}".`, { catalogueId });
  }

  /** Download folder and its free space. */
  async modelsFolder(): Promise<ModelsFolder> {
    const { modelsFolder } = await this.library.read();
    const path = modelsFolder ?? this.#ownFolder;
    return { path, isDefault: modelsFolder === null, freeBytes: await freeBytesAt(path) };
  }

  get #ownFolder(): string {
    return join(this.#options.dataFolder, 'models');
  }

  async #list(): Promise<ModelListing[]> {
    const library = await this.library.read();
    const opened = await this.library.list();
    if (this.#options.recognises) this.#recogniser.look(opened);
    return [...(await listBuiltInModels(this.#options.modelsDir, library)), ...opened];
  }

  async #verify(id: string) {
    const { catalogueId } = this.library.require(id);
    const { models } = await this.catalogue();
    let told = 0;
    return await verifyModel(this.library, id, {
      entry: models.find((entry) => entry.id === catalogueId) ?? null,
      signal: this.#ending.signal,
      onBytes: (bytes, totalBytes) => {
        if (bytes < totalBytes && performance.now() - told < 100) return;
        told = performance.now();
        this.#options.emit({ type: 'verify', modelId: id, bytes, totalBytes });
      },
    });
  }

  async #addFound(id: string): Promise<ModelListing> {
    const found = (await findModels(this.library.models)).models.find((model) => model.id === id);
    if (found === undefined) {
      throw new EngineError('MODEL_NOT_FOUND', 'That model no longer exists. Search again.', { found: id });
    }
    const { path, source, name } = found;
    return this.#changed(await this.library.add(path, { source, name }));
  }

  #changed<T>(result: T): T {
    this.#options.emit({ type: 'models' });
    return result;
  }
}

async function chosen(choose: (() => Promise<string | null>) | undefined): Promise<string | null> {
  if (choose === undefined) throw notHere('Choose or drop the file in the page itself, or use "tokenscope models".');
  return await choose();
}

function notHere(advice: string): EngineError {
  return new EngineError('BAD_REQUEST', `This is not possible in a browser. ${advice}`);
}
