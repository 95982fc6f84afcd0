import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../engine/errors.ts';
import type { ModelListing } from '../protocol/app-services.ts';
import { modelId } from '../protocol/schemas.ts';
import type { InstanceLock } from './instance-lock.ts';
import { codeOf, putAside, readJson, writeJson } from './json-file.ts';

/** A model that a person opened, by where it lies. */
interface OpenedModel {
  /** Stands for the path everywhere outside of this process and the engine's. */
  id: string;
  /** Absolute: a GGUF file, or a folder. */
  path: string;
}

const storedModels = v.object({ models: v.array(v.object({ id: modelId, path: v.pipe(v.string(), v.minLength(1)) })) });

/** More are not remembered: the oldest is forgotten. */
const MAX_MODELS = 200;
const PART = /^(.*-)\d{5}(-of-\d{5}\.gguf)$/i;

/** The models that a person opened, in `models.json`: never copied, only pointed at. */
export class ModelLibrary {
  readonly #path: string;
  readonly #lock: InstanceLock;
  readonly #notice: (message: string) => void;
  /** Newest first. */
  #models: OpenedModel[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** @param notice tells a person about a damaged file, and about what could not be saved */
  constructor(folder: string, lock: InstanceLock, notice: (message: string) => void) {
    this.#path = join(folder, 'models.json');
    this.#lock = lock;
    this.#notice = notice;
  }

  /** Reads the file; to be called at the start. */
  async load(): Promise<void> {
    const read = await readJson(this.#path);
    if (read.state === 'missing') return;
    const parsed = read.state === 'read' ? v.safeParse(storedModels, read.value) : null;
    if (parsed?.success) this.#models = parsed.output.models;
    else await this.#putAside();
  }

  /**
   * Remembers what lies at a path. The same path has the same id each time.
   * @param path a GGUF file, a folder with config.json, or a file of such a folder
   * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST for what is no model
   */
  async add(path: string): Promise<ModelListing> {
    const place = await placeOf(path);
    const known = this.#models.find((model) => model.path === place);
    const model = known ?? { id: `opened-${randomUUID()}`, path: place };
    this.#models = [model, ...this.#models.filter((other) => other !== known)].slice(0, MAX_MODELS);
    await this.#save();
    return await listing(model);
  }

  /** Forgets a model. Its files stay where they are. */
  async remove(id: string): Promise<void> {
    this.#models = this.#models.filter((model) => model.id !== id);
    await this.#save();
  }

  /** What was opened, newest first; a model whose file is gone says so. */
  async list(): Promise<ModelListing[]> {
    return await Promise.all(this.#models.map(listing));
  }

  pathOf(id: string): string | null {
    return this.#models.find((model) => model.id === id)?.path ?? null;
  }

  /** Never rejects: what could not be saved holds until the app ends. */
  #save(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      // Another instance holds the folder, and a person has been told so.
      if (this.#lock.problem !== null) return;
      try {
        await this.#lock.assertHeld();
        await writeJson(this.#path, { models: this.#models });
      } catch (error) {
        this.#notice(`The list of models is kept only until the app ends. ${EngineError.from(error).message}`);
      }
    });
    return this.#writing;
  }

  async #putAside(): Promise<void> {
    const problem = 'The list of opened models could not be read.';
    if (this.#lock.problem !== null) return this.#notice(`${problem} The file is left as it is.`);
    this.#notice(`${problem} It begins anew; the old file is kept as ${await putAside(this.#path)}.`);
  }
}

/** The absolute path that stands for the model: its GGUF file, or its folder. */
async function placeOf(path: string): Promise<string> {
  const absolute = resolve(path);
  const found = await stat(absolute).catch((error: unknown) => {
    throw unreachable(absolute, error);
  });
  if (found.isFile() && extname(absolute).toLowerCase() === '.gguf') return absolute;
  const folder = found.isDirectory() ? absolute : dirname(absolute);
  const isPart = found.isDirectory() || /\.(json|safetensors)$/i.test(absolute);
  if (isPart && (await readdir(folder)).includes('config.json')) return folder;
  throw new EngineError(
    'BAD_REQUEST',
    `${basename(absolute)} is no model. Open a .gguf file, or a folder with config.json and safetensors.`,
    { path: absolute },
  );
}

async function listing({ id, path }: OpenedModel): Promise<ModelListing> {
  const facts = { id, name: nameOf(path), builtIn: false, path, description: null, cannot: null, license: null };
  try {
    return { ...facts, fileBytes: await bytesOf(path), problem: null };
  } catch (error) {
    return { ...facts, fileBytes: 0, problem: unreachable(path, error).message };
  }
}

function nameOf(path: string): string {
  return basename(path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
}

/** Of the file and the other parts of the same model, or of the folder's model files. */
async function bytesOf(path: string): Promise<number> {
  const found = await stat(path);
  const folder = found.isDirectory() ? path : dirname(path);
  const part = PART.exec(basename(path));
  if (found.isFile() && part === null) return found.size;
  const names = (await readdir(folder)).filter((name) => {
    if (part === null) return /\.(json|safetensors)$/i.test(name);
    const other = PART.exec(name);
    return other?.[1] === part[1] && other?.[2] === part[2];
  });
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function unreachable(path: string, error: unknown): EngineError {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const what = `${path} is not there any more. If it was moved, open it again from its new place.`;
    return new EngineError('MODEL_NOT_FOUND', what, { path });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new EngineError('MODEL_IO', `${path} cannot be read: ${why}`, { path });
}
