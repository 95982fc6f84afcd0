/** Resolves a path from a person to the files of a model. */
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import {
  CONFIG_FILE,
  ggufModelFiles,
  ggufModelOf,
  ggufTitle,
  hasGgufMagic,
  isGguf,
  isHfFolder,
  splitModelOf,
} from '../../engine/api/model-file-rules.ts';
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

/** Files of a folder that belong to a model. */
const FOLDER_FILE = /\.(json|safetensors|jinja|model)$/i;
/** More files than any model has. */
const MAX_FILES = 2000;

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
    if (found.isFile() && (isGguf(absolute) || (await beginsLikeGguf(absolute)))) return absolute;
    const folder = found.isDirectory() ? absolute : dirname(absolute);
    if (found.isDirectory() || FOLDER_FILE.test(absolute)) {
      const names = await namesIn(folder);
      // Repositories of GGUF files often have a config.json, too.
      if (names.includes(CONFIG_FILE) && isHfFolder(names)) return folder;
      const models = modelsAmong(names);
      if (found.isDirectory() && models.length > 0) {
        if (models.length > 1) throw severalModels(folder, models);
        return join(folder, models[0]);
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
      const own = basename(place);
      if (splitModelOf(own) === null) {
        return [{ ...(await placed(place)), name: isGguf(own) ? own : `${own}.gguf` }];
      }
      const model = ggufModelOf(own);
      // In a folder of any size: people keep models among other files.
      const names = (await namesIn(dirname(place), Infinity)).filter((name) => ggufModelOf(name) === model);
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
  return ggufTitle(basename(place));
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

/** Whether a file has the first bytes of a GGUF file. @throws the system's error */
export async function beginsLikeGguf(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return hasGgufMagic(buffer.subarray(0, bytesRead));
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
  const files = ggufModelFiles(names);
  const models = files.map(ggufModelOf);
  return files.filter((_, at) => models.indexOf(models[at]) === at);
}

function severalModels(folder: string, models: readonly string[]): EngineError {
  const named = models.slice(0, 5).join(', ') + (models.length > 5 ? ', ...' : '');
  const message = `${basename(folder)} holds ${models.length} GGUF models: ${named}. Open one of them instead.`;
  return new EngineError('BAD_REQUEST', message, { path: folder, models: models.length });
}

async function placed(path: string): Promise<LocatedFile> {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  return { name: basename(path), path, size: Number(size), mtimeNs };
}
