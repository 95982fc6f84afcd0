/** `models.json`: the models on this computer by path. Shared by the app, web host and terminal. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { ModelSource } from '../../protocol/app/app-services.ts';
import { measuredRate } from '../../protocol/app/fields.ts';
import { modelId } from '../../protocol/fields.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { isGguf } from '../../engine/api/model-file-rules.ts';
import { codeOf, putAside, readJson, storageError, writeJson, type JsonRead } from '../json-file.ts';
import { withFileLock } from './file-lock.ts';
import { modelNameOf } from './model-location.ts';

const LIBRARY_SOURCES = ['file', 'folder', 'download', 'huggingface-cache', 'ollama', 'lmstudio'] as const;
/** Sources of models in the library, which excludes built-in and lent ones. */
export type LibrarySource = Extract<ModelSource, (typeof LIBRARY_SOURCES)[number]>;

const isoDate = v.pipe(v.string(), v.isoTimestamp());
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const fingerprint = v.object({
  bytes: count,
  mtimeMs: v.number(),
  head: sha256,
  // Added after the other fields.
  stamp: v.fallback(v.nullable(sha256), null),
  samples: v.fallback(v.nullable(sha256), null),
});

/** A file that Tokenscope wrote, as it was then. */
const downloaded = v.object({
  path: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  sha256,
  /** From `stat`: see `stampOfFile`. */
  stamp: v.pipe(v.string(), v.maxLength(200)),
});

const libraryModel = v.object({
  /** Represents the path outside of this process and the engine's. */
  id: modelId,
  /** Absolute path of a GGUF file or a folder. */
  path: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
  source: v.picklist(LIBRARY_SOURCES),
  /** Null if it was not recorded. */
  addedAt: v.fallback(v.nullable(isoDate), null),
  lastUsedAt: v.fallback(v.nullable(isoDate), null),
  catalogueId: v.fallback(v.nullable(modelId), null),
  /** Null until the files were read. */
  fingerprint: v.fallback(v.nullable(fingerprint), null),
  /** Of its single file. */
  sha256: v.fallback(v.nullable(sha256), null),
  /** Null if Tokenscope did not write its file, or if an earlier version did and did not record it. */
  downloaded: v.fallback(v.nullable(downloaded), null),
  measured: v.fallback(v.pipe(v.array(measuredRate), v.maxLength(100)), () => []),
});
export type LibraryModel = v.InferOutput<typeof libraryModel>;

const VERSION = 2;
const library = v.object({
  version: v.literal(VERSION),
  /** Newest first. */
  models: v.array(libraryModel),
  /** When built-in models were last used, by id. */
  builtInUsed: v.fallback(v.record(modelId, isoDate), () => ({})),
  builtInMeasured: v.fallback(v.record(modelId, v.array(measuredRate)), () => ({})),
  /** Download folder; null for one next to this file. */
  modelsFolder: v.fallback(v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(4096))), null),
});
export type Library = v.InferOutput<typeof library>;

/** Format without a version: ids and paths. */
const firstLibrary = v.object({
  version: v.optional(v.undefined()),
  models: v.array(v.object({ id: modelId, path: v.pipe(v.string(), v.minLength(1)) })),
});

const emptyLibrary = (): Library => ({
  version: VERSION,
  models: [],
  builtInUsed: {},
  builtInMeasured: {},
  modelsFolder: null,
});

export interface LibraryFileOptions {
  /**
   * Whether failures to read or save throw EngineError STORAGE. By default they cause a notice, and changes stay in
   * effect until the app quits.
   */
  strict?: boolean;
}

type Change = (library: Library) => Library;

/** Reads and changes the file; every change applies to its latest content. */
export class LibraryFile {
  readonly #path: string;
  readonly #notice: (message: string) => void;
  readonly #strict: boolean;
  /** Stamp of the file when it was last read. */
  #seen = '';
  #library: Library = emptyLibrary();
  /** Unsaved changes, to be applied again to later content. */
  #unsaved: Change[] = [];
  /** Why the file must not be written; null if it may be. */
  #leftAlone: string | null = null;

  /** @param notice reports an unusable file, and unsaved changes */
  constructor(folder: string, notice: (message: string) => void, { strict = false }: LibraryFileOptions = {}) {
    this.#path = join(folder, 'models.json');
    this.#notice = notice;
    this.#strict = strict;
  }

  /** The content that was last read. */
  get value(): Library {
    return this.#library;
  }

  /** Reads the file if it has changed. @throws EngineError STORAGE in strict mode */
  async read(): Promise<Library> {
    const before = this.#seen;
    const stamp = await stampOf(this.#path);
    if (stamp === before) return this.#library;
    let read: JsonRead;
    try {
      read = await readJson(this.#path);
    } catch (error) {
      if (this.#strict) throw error;
      // Forces a new read at every check, even if the file is gone.
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

  /** Renames a damaged file and continues with its readable entries. */
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
   * Changes the library. A change that cannot be saved is reported, stays in effect until the app quits, and is saved
   * with the next successful one.
   * @param change maps the latest library to the new one; called again if the file changed meanwhile
   * @param quiet does not report a failure to save, because it is not worth it
   * @throws EngineError STORAGE in strict mode, without changing anything
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
      // A read-only file was reported when it was read.
      const isReported = EngineError.from(error).message === this.#leftAlone;
      const why = error instanceof Error ? error.message : String(error);
      if (!this.#strict && !quiet && !isReported) {
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

/** @returns `later` for the file of a later version, null for an invalid one */
function parseLibrary(value: unknown): Library | 'later' | null {
  const parsed = v.safeParse(library, value);
  if (parsed.success) return parsed.output;
  const first = v.safeParse(firstLibrary, value);
  if (first.success) return migrated(first.output.models);
  const later = v.safeParse(v.object({ version: v.pipe(v.number(), v.minValue(VERSION + 1)) }), value);
  return later.success ? 'later' : null;
}

/** The valid entries of a partly damaged list. */
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
      name: modelNameOf(path).slice(0, 300) || id,
      source: isGguf(path) ? 'file' : 'folder',
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
    // Reading it will report the error.
    return `unknown ${Date.now()}`;
  }
}
