/** How the user's models reach the engine: by path in Electron, as lent files in a browser. */
import type { TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import type { AppServices, ModelListing } from '../../src-main/protocol/app/app-services.ts';
import type { CatalogueEntry } from '../../src-main/protocol/app/downloads.ts';
import { EngineError } from '../../src-main/engine/api/errors.ts';
import {
  CONFIG_FILE,
  ggufModelFiles,
  ggufTitle,
  isGguf,
  isHfFolder,
  isProjector,
} from '../../src-main/engine/api/model-file-rules.ts';
import type { Dropped } from './dropped.ts';
import { isGgufFile } from './gguf-file.ts';
import { newId } from './new-id.ts';
import { resultOf } from './services.ts';

export interface ModelOpener {
  /** Opened models are kept after a restart, and not only until the page is closed. */
  readonly remembers: boolean;
  /** Models can be downloaded, and those of other apps are offered. */
  readonly offersMore: boolean;
  /** The built-in model, then the opened ones, newest first. */
  list(): Promise<ModelListing[]>;
  /** Opens a file dialog; null if nothing was chosen. @throws EngineError if it is not a model */
  choose(): Promise<ModelListing | null>;
  /** Opens dropped files. @throws EngineError if they are not a model */
  drop(dropped: Dropped): Promise<ModelListing>;
  /** Removes an opened model from the list; its files stay. @returns undoes it */
  remove(id: string): Promise<() => Promise<void>>;
}

export function electronModelOpener(bridge: TokenscopeBridge, services: AppServices): ModelOpener {
  return {
    remembers: true,
    offersMore: true,
    list: () => services.invoke('modelsList'),
    choose: () => services.invoke('modelOpen'),
    async drop({ files }) {
      const file = await modelAmong(files);
      if (file === undefined) throw notModel('The dropped item');
      return resultOf(await bridge.dropModel(file));
    },
    remove: (id) => removeFromLibrary(services, id),
  };
}

async function removeFromLibrary(services: AppServices, id: string): Promise<() => Promise<void>> {
  await services.invoke('modelRemove', id);
  return async () => void (await services.invoke('modelRestore', id));
}

/** The listing of files lent by a browser. */
const LENT = {
  builtIn: false,
  source: 'lent',
  path: null,
  description: null,
  cannot: null,
  license: null,
  state: 'ok',
  stateText: null,
  problem: null,
  catalogueId: null,
  sha256: null,
  lastUsedAt: null,
  measured: [],
} satisfies Partial<ModelListing>;

/** The files of a model, or null to take them back. */
export type LendFiles = (id: string, name: string, files: readonly File[] | null) => void;

/**
 * @param lend passes files to the engine's Worker, and to each later one
 * @param offersMore whether a web host downloads and finds models
 */
export function webModelOpener(services: AppServices, lend: LendFiles, offersMore: boolean): ModelOpener {
  let lent: ModelListing[] = [];
  /** By id. */
  const filesOf = new Map<string, readonly File[]>();

  async function open(chosen: readonly File[]): Promise<ModelListing> {
    const files = await Promise.all(chosen.map(withExtension));
    const names = files.map(({ name }) => name);
    const isFolder = names.includes(CONFIG_FILE) && isHfFolder(names);
    const ggufs = ggufModelFiles(names);
    if (!isFolder && ggufs.length === 0) throw notModel(names[0] ?? 'The dropped item');
    const parts = isFolder ? files : files.filter(({ name }) => ggufs.includes(name));
    const entry = parts.length === 1 ? await catalogued(parts[0]) : null;
    const name = entry?.name ?? (isFolder ? 'Model folder' : ggufTitle(parts[0].name));
    const fileBytes = parts.reduce((sum, { size }) => sum + size, 0);
    const known = lent.find((model) => model.name === name && model.fileBytes === fileBytes);
    const id = known?.id ?? `lent-${newId()}`;
    // A file of the same name and length may be another one: whoever has the first in memory looks again.
    const listing: ModelListing = {
      ...{ id, name, fileBytes, ...LENT },
      ...{ catalogueId: entry?.id ?? null, addedAt: new Date().toISOString() },
    };
    give(listing, parts);
    return listing;
  }

  /** The entry of the catalogue with a file of this name and size. Its content is not verified. */
  async function catalogued(file: File): Promise<CatalogueEntry | null> {
    try {
      const entries = await services.invoke('catalogueList');
      return entries.find((entry) => entry.file === file.name && entry.bytes === file.size) ?? null;
    } catch {
      // A model can be opened without the catalogue.
      return null;
    }
  }

  function give(listing: ModelListing, files: readonly File[]): void {
    const { id, name } = listing;
    lend(id, name, files);
    filesOf.set(id, files);
    lent = [listing, ...lent.filter((model) => model.id !== id)];
  }

  return {
    remembers: false,
    offersMore,
    list: async () => [...(await services.invoke('modelsList')), ...lent],
    async choose() {
      const files = await chooseFiles();
      return files.length === 0 ? null : await open(files);
    },
    async drop({ files, hasFolder }) {
      if (hasFolder) {
        throw new EngineError(
          'BAD_REQUEST',
          'Browsers cannot open folders. Drop all the files in the folder together.',
        );
      }
      return await open(files);
    },
    async remove(id) {
      const [listing, files] = [lent.find((model) => model.id === id), filesOf.get(id)];
      if (listing === undefined || files === undefined) return await removeFromLibrary(services, id);
      lent = lent.filter((model) => model.id !== id);
      lend(id, '', null);
      return async () => give(listing, files);
    },
  };
}

function chooseFiles(): Promise<File[]> {
  const input = document.createElement('input');
  input.type = 'file';
  // The parts of a split file, or the files of a folder.
  input.multiple = true;
  input.accept = '.gguf,.json,.safetensors,.jinja';
  return new Promise((resolve) => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}

/** The file that stands for the dropped model. */
async function modelAmong(files: readonly File[]): Promise<File | undefined> {
  const found = await Promise.all(files.map(isGgufFile));
  const ggufs = files.filter((_, at) => found[at]);
  return ggufs.find(({ name }) => !isProjector(name)) ?? ggufs[0] ?? files[0];
}

/** The engine knows files by their names. */
async function withExtension(file: File): Promise<File> {
  if (isGguf(file.name) || !(await isGgufFile(file))) return file;
  return new File([file], `${file.name}.gguf`, { lastModified: file.lastModified });
}

function notModel(what: string): EngineError {
  return new EngineError(
    'BAD_REQUEST',
    `${what} is not a model. Open a .gguf file, or the files of a folder with config.json and safetensors.`,
  );
}
