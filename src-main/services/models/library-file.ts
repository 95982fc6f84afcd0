/** `models.json`: which models there are on this computer, by where they lie. Shared by the app, web host and terminal. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { ModelSource } from '../../protocol/app/app-services.ts';
import { measuredRate } from '../../protocol/app/fields.ts';
import { modelId } from '../../protocol/fields.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { codeOf, putAside, readJson, storageError, writeJson, type JsonRead } from '../json-file.ts';
import { withFileLock } from './file-lock.ts';
import { nameOfPlace } from './model-place.ts';

const LIBRARY_SOURCES = ['file', 'folder', 'download', 'huggingface-cache', 'ollama', 'lmstudio'] as const;
/** Where the library has a model from that neither came with the app nor was lent. */
export type LibrarySource = Extract<ModelSource, (typeof LIBRARY_SOURCES)[number]>;

const isoDate = v.pipe(v.string(), v.isoTimestamp());
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const fingerprint = v.object({
  bytes: count,
  mtimeMs: v.number(),
  head: sha256,
  // Later than the others.
  stamp: v.fallback(v.nullable(sha256), null),
  samples: v.fallback(v.nullable(sha256), null),
});

/** A file that Tokenscope wrote, as it was then. */
const downloaded = v.object({
  path: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  sha256,
  /** What `stat` said: see `stampOfFile`. */
  stamp: v.pipe(v.string(), v.maxLength(200)),
});
export type DownloadedFile = v.InferOutput<typeof downloaded>;

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
  fingerprint: v.fallback(v.nullable(fingerprint), null),
  /** Of its one file. */
  sha256: v.fallback(v.nullable(sha256), null),
  /** Null: Tokenscope did not write its file, or an earlier version did and did not say so. */
  downloaded: v.fallback(v.nullable(downloaded), null),
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

export interface LibraryFileOptions {
  /**
   * What cannot be read or saved is thrown as EngineError STORAGE. Left out, a person is told by a notice, and changes hold
   * until the app ends.
   */
  strict?: boolean;
}

type Change = (library: Library) => Library;

/** Reads and changes the file; every change is made to what the file holds at that moment. */
export class LibraryFile {
  readonly #path: string;
  readonly #notice: (message: string) => void;
  readonly #strict: boolean;
  /** What the file was when it was read last. */
  #seen = '';
  #library: Library = emptyLibrary();
  /** Changes that could not be saved, to be made again to whatever the file holds later. */
  #unsaved: Change[] = [];
  /** Why the file must not be written; null: it may be. */
  #leftAlone: string | null = null;

  /** @param notice tells a person about a file that cannot be used, and about what could not be saved */
  constructor(folder: string, notice: (message: string) => void, { strict = false }: LibraryFileOptions = {}) {
    this.#path = join(folder, 'models.json');
    this.#notice = notice;
    this.#strict = strict;
  }

  /** What was read last. */
  get value(): Library {
    return this.#library;
  }

  /** Reads the file if it is another one than before. @throws EngineError STORAGE where that is not only told of */
  async read(): Promise<Library> {
    const before = this.#seen;
    const stamp = await stampOf(this.#path);
    if (stamp === before) return this.#library;
    let read: JsonRead;
    try {
      read = await readJson(this.#path);
    } catch (error) {
      if (this.#strict) throw error;
      // To be read again at every look, also when nothing is there any more.
      this.#seen = 'unreadable';
      return this.#leaveAlone(EngineError.from(error).message);
    }
    // It was written meanwhile.
    if (this.#seen !== before) return await this.read();
    const parsed = read.state === 'missing' ? emptyLibrary() : read.state === 'read' ? parseLibrary(read.value) : null;
    if (parsed === null) return await this.#repair(read.state === 'read' ? read.value : null);
    this.#seen = stamp;
    if (parsed === 'later') return this.#leaveAlone('The model list was written by a newer version of Tokenscope.');
    this.#leftAlone = null;
    return (this.#library = this.#withUnsaved(parsed));
  }

  /** Puts a damaged file aside and goes on with what can be read of it. */
  async #repair(value: unknown): Promise<Library> {
    const readable = readableModels(value);
    this.#library = this.#withUnsaved({ ...emptyLibrary(), models: readable });
    this.#seen = '';
    const what = readable.length === 0 ? 'A new list was started' : `${readable.length} of its models could be read`;
    try {
      const kept = await putAside(this.#path);
      this.#notice(`The model list is damaged. ${what}. The old file was kept as ${kept}.`);
      if (readable.length > 0) await this.#write(this.#library);
      this.#leftAlone = null;
      return this.#library;
    } catch (error) {
      if (this.#strict) throw codeOf(error) === 'STORAGE' ? error : storageError('write', this.#path, error);
      const why = error instanceof Error ? error.message : String(error);
      return this.#leaveAlone(`The model list is damaged and could not be renamed: ${why}.`);
    }
  }

  /**
   * Changes the library. A change that cannot be saved is told of, holds until the app ends, and is saved with the next one
   * that can be.
   * @param change gets the newest library and gives the one to be; called again where the file changed meanwhile
   * @param quiet what cannot be saved is not told of: it is made anew at the next start
   * @throws EngineError STORAGE where that is not only told of; nothing is changed then
   */
  async change(change: Change, { quiet = false } = {}): Promise<Library> {
    try {
      await withFileLock(`${this.#path}.lock`, async (lock) => {
        const changed = change(await this.read());
        if (this.#leftAlone !== null) throw new EngineError('STORAGE', this.#leftAlone);
        await lock.assertHeld();
        await this.#write(changed);
        this.#unsaved = [];
      });
    } catch (error) {
      if (!this.#strict) this.#keepUnsaved(change);
      // A file that is left alone was told of when it was read.
      const isTold = EngineError.from(error).message === this.#leftAlone;
      const why = error instanceof Error ? error.message : String(error);
      if (!this.#strict && !quiet && !isTold) {
        this.#notice(
          `A change to the model list could not be saved. It will be lost when the app quits, unless saving succeeds later. ${why}`,
        );
      }
      if (this.#strict && !quiet) {
        throw codeOf(error) === 'STORAGE' ? error : storageError('write', this.#path, error);
      }
    }
    return this.#library;
  }

  async #write(library: Library): Promise<void> {
    await writeJson(this.#path, library);
    this.#library = library;
    this.#seen = await stampOf(this.#path);
  }

  #keepUnsaved(change: Change): void {
    this.#library = change(this.#library);
    this.#unsaved.push(change);
  }

  #withUnsaved(library: Library): Library {
    return this.#unsaved.reduce((changed, change) => change(changed), library);
  }

  /** @param why a sentence */
  #leaveAlone(why: string): Library {
    const rest = this.#strict ? '' : ', and changes to it are lost when the app quits';
    const message = `${why} The model list was not changed${rest}.`;
    if (this.#leftAlone !== message) this.#notice(message);
    this.#leftAlone = message;
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
      downloaded: null,
      measured: [],
    })),
  };
}

async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    // Reading it says why.
    return `unknown ${Date.now()}`;
  }
}
