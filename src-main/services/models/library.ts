/** The models on this computer: never copied, only pointed at, and looked at each time they are listed. */
import { EngineError } from '../../engine/api/errors.ts';
import { isGguf } from '../../engine/api/model-file-rules.ts';
import type { MeasuredRate, ModelListing } from '../../protocol/app/app-services.ts';
import { grouped } from '../numbers.ts';
import { deleteDownloaded, stampOfFile } from './downloaded-file.ts';
import { fingerprintOf, hasSameContent, totals, type Fingerprint } from './fingerprint.ts';
import {
  LibraryFile,
  type Library,
  type LibraryFileOptions,
  type LibraryModel,
  type LibrarySource,
} from './library-file.ts';
import { filesAt, modelNameOf, modelPathOf, type LocatedFile } from './model-location.ts';

/** Maximum number of models: beyond it the oldest is removed. */
const MAX_MODELS = 500;
/** Characters of an id that is made from a name. */
const MAX_ID_LENGTH = 100;

export interface AddOptions {
  source?: LibrarySource;
  /** Display name; by default the name of its file or folder. */
  name?: string;
  catalogueId?: string | null;
  sha256?: string | null;
  /** Whether Tokenscope has just written this single file, so that it may delete it again. Requires `sha256`. */
  isDownloaded?: boolean;
}

export class ModelLibrary {
  readonly #file: LibraryFile;
  readonly #reservedIds: readonly string[];
  /** Fingerprints by id and `stat`, so that a changed file is hashed once and not at every check. */
  readonly #looked = new Map<string, Fingerprint>();
  #hasCompleted = false;
  /** By id, for `restore`. */
  readonly #removed = new Map<string, LibraryModel>();

  /**
   * @param folder data folder
   * @param reservedIds ids of the built-in models
   * @param notice reports a damaged file, and unsaved changes
   */
  constructor(
    folder: string,
    reservedIds: readonly string[],
    notice: (message: string) => void,
    options: LibraryFileOptions = {},
  ) {
    this.#file = new LibraryFile(folder, notice, options);
    this.#reservedIds = reservedIds;
  }

  /** Reads the list again if another process changed it. @throws EngineError STORAGE */
  async read(): Promise<Library> {
    return await this.#file.read();
  }

  /** The list without checking the files; newest first. */
  get models(): readonly LibraryModel[] {
    return this.#file.value.models;
  }

  find(id: string): LibraryModel | null {
    return this.models.find((model) => model.id === id) ?? null;
  }

  /** @throws EngineError MODEL_NOT_FOUND */
  require(id: string): LibraryModel {
    const model = this.find(id);
    if (model !== null) return model;
    throw new EngineError('MODEL_NOT_FOUND', `There is no model "${id}" in the library.`, { model: id });
  }

  /**
   * Adds the model at a path in its current state. The same path always has the same id.
   * @param path a GGUF file, a folder with config.json, or a file of such a folder
   * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST if it is not a model, MODEL_IO
   */
  async add(path: string, options: AddOptions = {}): Promise<ModelListing> {
    const place = await modelPathOf(path);
    const files = await filesAt(place);
    const fingerprint = await fingerprintOf(files);
    const stamp = options.isDownloaded ? await stampOfFile(place) : null;
    const { sha256 = null } = options;
    const downloaded = sha256 !== null && stamp !== null ? { path: place, sha256, stamp } : null;
    let added: LibraryModel | null = null;
    await this.#file.change((library) => {
      const known = library.models.find((model) => model.path === place) ?? null;
      const entry = this.#entry(known, place, files, fingerprint, options, library);
      added = downloaded === null ? entry : { ...entry, source: 'download', downloaded };
      return { ...library, models: [added, ...library.models.filter((other) => other !== known)].slice(0, MAX_MODELS) };
    });
    return await this.#listing(added ?? this.require(place));
  }

  /** Changes the path of a model, which keeps its id. @throws EngineError like `add` */
  async locate(id: string, path: string): Promise<ModelListing> {
    this.require(id);
    const place = await modelPathOf(path);
    const files = await filesAt(place);
    const fingerprint = await fingerprintOf(files);
    const taken = this.models.find((model) => model.path === place && model.id !== id);
    if (taken !== undefined) {
      throw new EngineError('BAD_REQUEST', `${place} is already in the library as "${taken.name}".`, { path: place });
    }
    await this.#update(id, (model) => {
      const known = asItIs(model, fingerprint, place);
      // A file elsewhere belongs to the user.
      const moved = place === model.path ? {} : { source: sourceOf(place, files), downloaded: null };
      return { ...model, ...known, path: place, ...moved };
    });
    return await this.listing(id);
  }

  /** Accepts the current state of a changed file. @throws EngineError MODEL_NOT_FOUND, MODEL_IO */
  async accept(id: string): Promise<ModelListing> {
    const fingerprint = await fingerprintOf(await filesAt(this.require(id).path));
    await this.#update(id, (model) => ({ ...model, ...asItIs(model, fingerprint, model.path) }));
    return await this.listing(id);
  }

  /** Removes a model from the list, but not its files. */
  async remove(id: string): Promise<void> {
    const removed = this.find(id);
    await this.#file.change((library) => ({ ...library, models: library.models.filter((model) => model.id !== id) }));
    this.#looked.delete(id);
    if (removed !== null) this.#removed.set(id, removed);
  }

  /**
   * Undoes `remove`: the model keeps its id, and what is known about it.
   * @throws EngineError MODEL_NOT_FOUND if it was not removed since the start
   */
  async restore(id: string): Promise<ModelListing> {
    const removed = this.#removed.get(id);
    if (removed === undefined) {
      throw new EngineError('MODEL_NOT_FOUND', `The model "${id}" was not removed. Open its file again.`, {
        model: id,
      });
    }
    await this.#file.change((library) => {
      const isBack = library.models.some((model) => model.id === id || model.path === removed.path);
      return isBack ? library : { ...library, models: [removed, ...library.models].slice(0, MAX_MODELS) };
    });
    this.#removed.delete(id);
    return await this.#listing(this.models.find((model) => model.path === removed.path) ?? removed);
  }

  /**
   * Deletes the file that Tokenscope downloaded, and removes the model.
   * @param ownFolder default download folder
   * @throws EngineError MODEL_NOT_FOUND; BAD_REQUEST for a file that Tokenscope did not write, or that has changed;
   * STORAGE
   */
  async delete(id: string, ownFolder: string, signal?: AbortSignal): Promise<void> {
    await deleteDownloaded(this.require(id), ownFolder, signal);
    await this.remove(id);
  }

  /** Records when a model was used, including built-in ones. */
  async used(id: string, at = new Date().toISOString()): Promise<void> {
    if (this.#reservedIds.includes(id)) {
      await this.#file.change((library) => ({ ...library, builtInUsed: { ...library.builtInUsed, [id]: at } }));
    } else await this.#update(id, (model) => ({ ...model, lastUsedAt: at }));
  }

  /** Records a measured rate, which replaces an earlier one of the same executor and threads. */
  async measured(id: string, rate: MeasuredRate): Promise<void> {
    const replace = (rates: readonly MeasuredRate[]) => [
      rate,
      ...rates.filter(({ executor, threads }) => executor !== rate.executor || threads !== rate.threads).slice(0, 19),
    ];
    if (this.#reservedIds.includes(id)) {
      await this.#file.change((library) => {
        const { builtInMeasured } = library;
        return { ...library, builtInMeasured: { ...builtInMeasured, [id]: replace(builtInMeasured[id] ?? []) } };
      });
    } else await this.#update(id, (model) => ({ ...model, measured: replace(model.measured) }));
  }

  /** Records that a model's file is the one that the catalogue offers. */
  async recognised(id: string, known: { catalogueId: string; name: string; sha256: string }): Promise<void> {
    await this.#update(id, (model) => ({ ...model, ...known }));
  }

  /** Records the SHA-256 of a model's file. */
  async hashed(id: string, sha256: string): Promise<void> {
    await this.#update(id, (model) => ({ ...model, sha256 }));
  }

  async setModelsFolder(path: string | null): Promise<void> {
    await this.#file.change((library) => ({ ...library, modelsFolder: path }));
  }

  /** Newest first, with the state of each model's file. @throws EngineError STORAGE */
  async list(): Promise<ModelListing[]> {
    await this.read();
    const listings = await Promise.all(this.models.map((model) => this.#listing(model)));
    if (!this.#hasCompleted) await this.#completeFingerprints(listings);
    return listings;
  }

  /** @throws EngineError MODEL_NOT_FOUND */
  async listing(id: string): Promise<ModelListing> {
    return await this.#listing(this.require(id));
  }

  /**
   * The files of a model, under the names to serve them by.
   * @throws EngineError MODEL_NOT_FOUND, MODEL_IO
   */
  async files(id: string): Promise<{ name: string; files: LocatedFile[] }> {
    const { name, path } = this.require(id);
    return { name, files: await filesAt(path) };
  }

  #entry(
    known: LibraryModel | null,
    path: string,
    files: readonly LocatedFile[],
    fingerprint: Fingerprint,
    { source, name, catalogueId, sha256 }: AddOptions,
    library: Library,
  ): LibraryModel {
    if (known !== null) {
      const entry = { ...known, ...asItIs(known, fingerprint, path) };
      return {
        ...entry,
        ...(sha256 ? { sha256 } : {}),
        ...(catalogueId ? { catalogueId, name: name ?? entry.name } : {}),
        ...(source ? { source } : {}),
      };
    }
    const title = (name ?? modelNameOf(path)).slice(0, 300) || 'Model';
    const taken = [...this.#reservedIds, ...library.models.map(({ id }) => id)];
    return {
      id: modelIdFor(title, taken),
      path,
      name: title,
      source: source ?? sourceOf(path, files),
      addedAt: new Date().toISOString(),
      lastUsedAt: null,
      catalogueId: catalogueId ?? null,
      fingerprint,
      sha256: sha256 ?? null,
      downloaded: null,
      measured: [],
    };
  }

  /** Completes fingerprints of earlier versions, for unchanged files only. */
  async #completeFingerprints(listings: readonly ModelListing[]): Promise<void> {
    this.#hasCompleted = true;
    const complete = new Map<string, Fingerprint>();
    for (const { id, path, fingerprint } of this.models) {
      if (fingerprint?.samples || !listings.some((listing) => listing.id === id && listing.state === 'ok')) continue;
      // A file that cannot be read now is reported when it is opened.
      const present = await filesAt(path).then(fingerprintOf, () => null);
      if (present !== null) complete.set(id, present);
    }
    if (complete.size === 0) return;
    const change = (model: LibraryModel): LibraryModel => {
      const present = complete.get(model.id);
      const fits = model.fingerprint === null || (present !== undefined && hasSameContent(model.fingerprint, present));
      return present !== undefined && fits ? { ...model, fingerprint: present } : model;
    };
    await this.#file.change((library) => ({ ...library, models: library.models.map(change) }), { quiet: true });
  }

  async #update(id: string, change: (model: LibraryModel) => LibraryModel): Promise<void> {
    await this.#file.change((library) => ({
      ...library,
      models: library.models.map((model) => (model.id === id ? change(model) : model)),
    }));
  }

  async #listing(model: LibraryModel): Promise<ModelListing> {
    const { id, name, path, source, catalogueId, sha256, addedAt, lastUsedAt, measured } = model;
    const facts = { id, name, path, source, catalogueId, sha256, addedAt, lastUsedAt, measured: [...measured] };
    const unknown = { builtIn: false, description: null, cannot: null, license: null };
    try {
      const files = await filesAt(path);
      const { bytes } = totals(files);
      const stateText = await this.#change(model, files);
      const state = stateText === null ? 'ok' : 'changed';
      return { ...facts, ...unknown, fileBytes: bytes, state, stateText, problem: null };
    } catch (error) {
      const text = EngineError.from(error).message;
      return { ...facts, ...unknown, fileBytes: 0, state: 'missing', stateText: text, problem: text };
    }
  }

  /** How the files differ from those that were added, as a message; null if no difference was found. */
  async #change({ id, path, fingerprint }: LibraryModel, files: readonly LocatedFile[]): Promise<string | null> {
    const now = totals(files);
    if (fingerprint === null) return null;
    const isSameStamp =
      fingerprint.stamp === null ? now.mtimeMs === fingerprint.mtimeMs : now.stamp === fingerprint.stamp;
    if (now.bytes === fingerprint.bytes && isSameStamp) return null;
    const again =
      'If you expected this, choose “Use changed file” on the Models page. Otherwise download or copy it again.';
    if (now.bytes !== fingerprint.bytes) {
      return `${path} changed since it was added: it had ${grouped(fingerprint.bytes)} bytes and now has ${grouped(now.bytes)}. ${again}`;
    }
    const looked = this.#looked.get(id);
    const present = looked?.stamp === now.stamp ? looked : await fingerprintOf(files);
    this.#looked.set(id, present);
    if (hasSameContent(present, fingerprint)) return null;
    return `${path} changed since it was added: its size is the same, but its content is different. ${again}`;
  }
}

/**
 * The entry of a model whose current files are accepted. Its hash, its download record and what the catalogue says are
 * dropped if the content differs.
 * @param path of the files
 */
function asItIs(
  model: LibraryModel,
  fingerprint: Fingerprint,
  path: string,
): Pick<LibraryModel, 'fingerprint' | 'sha256' | 'measured' | 'source' | 'downloaded' | 'catalogueId' | 'name'> {
  const { sha256, measured, source, downloaded, catalogueId, name } = model;
  if (model.fingerprint !== null && hasSameContent(model.fingerprint, fingerprint)) {
    return { fingerprint, sha256, measured, source, downloaded, catalogueId, name };
  }
  const other = source === 'download' ? 'file' : source;
  const own = catalogueId === null ? name : modelNameOf(path);
  const nothing = { sha256: null, measured: [], downloaded: null, catalogueId: null };
  return { ...nothing, fingerprint, source: other, name: own };
}

function sourceOf(place: string, files: readonly LocatedFile[]): LibrarySource {
  return files[0]?.path !== place && !isGguf(place) ? 'folder' : 'file';
}

/**
 * An id that is easy to type, derived from the model's name.
 * @param taken ids of other models
 */
function modelIdFor(name: string, taken: readonly string[]): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, MAX_ID_LENGTH)
    .toLowerCase();
  const base = plain || 'model';
  for (let copy = 1; ; copy++) {
    const id = copy === 1 ? base : `${base}-${copy}`;
    if (!taken.includes(id)) return id;
  }
}
