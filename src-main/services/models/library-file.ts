/** `models.json`: which models there are on this computer, by where they lie. Shared by the app, web host and terminal. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { ModelSource } from '../../protocol/app-services.ts';
import { measuredRate } from '../../protocol/measured-rate.ts';
import { modelId } from '../../protocol/schemas.ts';
import { codeOf, putAside, readJson, writeJson } from '../json-file.ts';
import { withFileLock } from './file-lock.ts';
import { nameOfPlace } from './model-place.ts';

const LIBRARY_SOURCES = ['file', 'folder', 'download', 'huggingface-cache', 'ollama', 'lmstudio'] as const;
/** Where the library has a model from that neither came with the app nor was lent. */
export type LibrarySource = Extract<ModelSource, (typeof LIBRARY_SOURCES)[number]>;

const isoDate = v.pipe(v.string(), v.isoTimestamp());
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const libraryModel = v.object({
  /** Stands for the path everywhere outside of this process and the engine's. */
  id: modelId,
  /** Absolute: a GGUF file, or a folder. */
  path: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
  source: v.picklist(LIBRARY_SOURCES),
  /** Null where that was not recorded. */
  addedAt: v.fallback(v.nullable(isoDate), null),
  lastUsedAt: v.fallback(v.nullable(isoDate), null),
  catalogueId: v.fallback(v.nullable(modelId), null),
  /** Null until the files were looked at. */
  fingerprint: v.fallback(v.nullable(v.object({ bytes: count, mtimeMs: v.number(), head: sha256 })), null),
  /** Of its one file. */
  sha256: v.fallback(v.nullable(sha256), null),
  measured: v.fallback(v.pipe(v.array(measuredRate), v.maxLength(100)), () => []),
});
export type LibraryModel = v.InferOutput<typeof libraryModel>;

const VERSION = 2;
const library = v.object({
  version: v.literal(VERSION),
  /** Newest first. */
  models: v.array(libraryModel),
  /** When built-in models were used last, by id. */
  builtInUsed: v.fallback(v.record(modelId, isoDate), () => ({})),
  builtInMeasured: v.fallback(v.record(modelId, v.array(measuredRate)), () => ({})),
  /** Where downloads go; null: a folder beside this file. */
  modelsFolder: v.fallback(v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(4096))), null),
});
export type Library = v.InferOutput<typeof library>;

/** Before there was a version: ids and paths. */
const firstLibrary = v.object({
  version: v.optional(v.undefined()),
  models: v.array(v.object({ id: modelId, path: v.pipe(v.string(), v.minLength(1)) })),
});

export const emptyLibrary = (): Library => ({
  version: VERSION,
  models: [],
  builtInUsed: {},
  builtInMeasured: {},
  modelsFolder: null,
});

/** Reads and changes the file; every change is made to what the file holds at that moment. */
export class LibraryFile {
  readonly #path: string;
  readonly #notice: (message: string) => void;
  /** What the file was when it was read last. */
  #seen = '';
  #library: Library = emptyLibrary();
  /** Why the file must not be written: it is of a later version. */
  #frozen = false;

  /** @param notice tells a person about a damaged file, and about what could not be saved */
  constructor(folder: string, notice: (message: string) => void) {
    this.#path = join(folder, 'models.json');
    this.#notice = notice;
  }

  /** What was read last. */
  get value(): Library {
    return this.#library;
  }

  /** Reads the file if it is another one than before. @throws EngineError STORAGE */
  async read(): Promise<Library> {
    const stamp = await stampOf(this.#path);
    if (stamp === this.#seen) return this.#library;
    const read = await readJson(this.#path);
    this.#seen = stamp;
    if (read.state === 'missing') return (this.#library = emptyLibrary());
    const parsed = read.state === 'read' ? parseLibrary(read.value) : null;
    if (parsed === 'later') {
      this.#frozen = true;
      this.#notice(
        'The list of models was written by a later version of Tokenscope. It is left as it is, and changes to it last only until the app ends.',
      );
      return this.#library;
    }
    if (parsed !== null) return (this.#library = parsed);
    return await this.#repair(read.state === 'read' ? read.value : null);
  }

  /** Puts a damaged file aside and goes on with what can be read of it. */
  async #repair(value: unknown): Promise<Library> {
    const readable = readableModels(value);
    const kept = await putAside(this.#path);
    this.#library = { ...emptyLibrary(), models: readable };
    this.#seen = '';
    if (readable.length > 0) {
      await writeJson(this.#path, this.#library);
      this.#seen = await stampOf(this.#path);
    }
    const what = readable.length === 0 ? 'It begins anew' : `It goes on with the ${readable.length} that could be read`;
    this.#notice(`The list of opened models is damaged. ${what}; the old file is kept as ${kept}.`);
    return this.#library;
  }

  /**
   * Changes the library. A change that cannot be saved holds until the app ends, and a person is told so.
   * @param change gets the newest library and gives the one to be
   */
  async change(change: (library: Library) => Library): Promise<Library> {
    let changed = false;
    const apply = (): void => {
      this.#library = change(this.#library);
      changed = true;
    };
    try {
      await withFileLock(`${this.#path}.lock`, async () => {
        await this.read();
        apply();
        if (this.#frozen) return;
        await writeJson(this.#path, this.#library);
        this.#seen = await stampOf(this.#path);
      });
    } catch (error) {
      if (!changed) apply();
      const why = error instanceof Error ? error.message : String(error);
      this.#notice(`The list of models is kept only until the app ends. ${why}`);
    }
    return this.#library;
  }
}

/** @returns `later` for the file of a later version, null for what is none */
function parseLibrary(value: unknown): Library | 'later' | null {
  const parsed = v.safeParse(library, value);
  if (parsed.success) return parsed.output;
  const first = v.safeParse(firstLibrary, value);
  if (first.success) return migrated(first.output.models);
  const later = v.safeParse(v.object({ version: v.pipe(v.number(), v.minValue(VERSION + 1)) }), value);
  return later.success ? 'later' : null;
}

/** The sound entries of a list that is not sound as a whole. */
function readableModels(value: unknown): LibraryModel[] {
  const list = v.safeParse(v.object({ version: v.literal(VERSION), models: v.array(v.unknown()) }), value);
  if (!list.success) return [];
  return list.output.models.flatMap((model) => {
    const parsed = v.safeParse(libraryModel, model);
    return parsed.success ? [parsed.output] : [];
  });
}

function migrated(models: readonly { id: string; path: string }[]): Library {
  return {
    ...emptyLibrary(),
    models: models.map(({ id, path }) => ({
      id,
      path,
      name: nameOfPlace(path).slice(0, 300) || id,
      source: /\.gguf$/i.test(path) ? 'file' : 'folder',
      addedAt: null,
      lastUsedAt: null,
      catalogueId: null,
      fingerprint: null,
      sha256: null,
      measured: [],
    })),
  };
}

async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    // Reading it says why.
    return `unknown ${Date.now()}`;
  }
}
