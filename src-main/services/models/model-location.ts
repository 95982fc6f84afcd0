/** Resolves a path from a person to the files of a model. */
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import { codeOf } from '../json-file.ts';

/** One file of a model. */
export interface LocatedFile {
  /** Name for the engine: the extension .gguf is added to a GGUF file without it. */
  name: string;
  path: string;
  size: number;
  /** Modification time, ns since 1970. */
  mtimeNs: bigint;
}

/** `name-00001-of-00003.gguf`: a part of a split model. */
const PART = /^(.*-)\d{5}(-of-\d{5}\.gguf)$/i;
/** Files of a folder that belong to a model. */
const FOLDER_FILE = /\.(json|safetensors|jinja|model)$/i;
const SAFETENSORS = /\.safetensors(?:\.index\.json)?$/i;
/** More files than any model has. */
const MAX_FILES = 2000;
const GGUF_MAGIC = 'GGUF';

/**
 * The absolute path that represents a model: its GGUF file, or its folder.
 * @param path a GGUF file of any name, a folder with config.json and safetensors or with one GGUF model, or a file of the
 *   former
 * @throws EngineError MODEL_NOT_FOUND, BAD_REQUEST if it is not a model, MODEL_IO
 */
export async function modelPathOf(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    const found = await stat(absolute);
    if (found.isFile() && (isGguf(absolute) || (await hasGgufMagic(absolute)))) return absolute;
    const folder = found.isDirectory() ? absolute : dirname(absolute);
    if (found.isDirectory() || FOLDER_FILE.test(absolute)) {
      const names = await namesIn(folder);
      const models = modelsAmong(names);
      const [first] = models;
      // Repositories of GGUF files often have a config.json, too.
      const hasWeights = first === undefined || names.some((name) => SAFETENSORS.test(name));
      if (names.includes('config.json') && hasWeights) return folder;
      if (found.isDirectory() && first !== undefined) {
        if (models.length > 1) throw severalModels(folder, models);
        return join(folder, first);
      }
    }
  } catch (error) {
    throw unreachable(absolute, error);
  }
  throw new EngineError(
    'BAD_REQUEST',
    `${basename(absolute)} is not a model. Open a .gguf file, or a folder with config.json and safetensors.`,
    { path: absolute },
  );
}

/**
 * The files of the model at a path, sorted by name.
 * @throws EngineError MODEL_NOT_FOUND, MODEL_IO
 */
export async function filesAt(place: string): Promise<LocatedFile[]> {
  try {
    const found = await stat(place);
    if (found.isFile()) {
      const part = PART.exec(basename(place));
      if (part === null) return [{ ...(await placed(place)), name: ggufName(place) }];
      // In a folder of any size: people keep models among other files.
      const names = (await namesIn(dirname(place), Infinity)).filter((name) => isPartOf(name, part));
      return await Promise.all(names.map((name) => placed(join(dirname(place), name))));
    }
    const names = (await namesIn(place)).filter((name) => FOLDER_FILE.test(name));
    return await Promise.all(names.map((name) => placed(join(place, name))));
  } catch (error) {
    throw unreachable(place, error);
  }
}

/** Display name of the model at a path: its file name without extension and part number. */
export function modelNameOf(place: string): string {
  return basename(place).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
}

/** Describes a failure to read a model's files, and its remedy. */
export function unreachable(path: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const what = `${path} no longer exists. If it was moved, locate it.`;
    return new EngineError('MODEL_NOT_FOUND', what, { path });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new EngineError('MODEL_IO', `Cannot read ${path}: ${why}`, { path });
}

function isGguf(path: string): boolean {
  return extname(path).toLowerCase() === '.gguf';
}

async function hasGgufMagic(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === GGUF_MAGIC;
  } finally {
    await file.close();
  }
}

/** @returns sorted, without folders @throws EngineError BAD_REQUEST for more than `limit` files */
async function namesIn(folder: string, limit = MAX_FILES): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.length > limit) {
    throw new EngineError('BAD_REQUEST', `${folder} contains more than ${limit} files. Open the model file itself.`, {
      path: folder,
    });
  }
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** One name for each GGUF model: the first part of a split one. */
function modelsAmong(names: readonly string[]): string[] {
  return names.filter((name) => {
    const part = PART.exec(name);
    return isGguf(name) && (part === null || names.find((other) => isPartOf(other, part)) === name);
  });
}

function severalModels(folder: string, models: readonly string[]): EngineError {
  const named = models.slice(0, 5).join(', ') + (models.length > 5 ? ', ...' : '');
  const message = `${basename(folder)} holds ${models.length} GGUF models: ${named}. Open one of them instead.`;
  return new EngineError('BAD_REQUEST', message, { path: folder, models: models.length });
}

function isPartOf(name: string, part: RegExpExecArray): boolean {
  const other = PART.exec(name);
  return other?.[1] === part[1] && other?.[2] === part[2];
}

function ggufName(path: string): string {
  const name = basename(path);
  return isGguf(name) ? name : `${name}.gguf`;
}

async function placed(path: string): Promise<LocatedFile> {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  return { name: basename(path), path, size: Number(size), mtimeNs };
}
