import type { Stats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, parse, resolve } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import { ggufModelOf, hasGgufMagic, isGguf, splitModelOf } from '../../engine/api/model-file-rules.ts';
import type { ModelFiles } from '../../engine/api/platform.ts';
import { openFileByteSource } from './file-byte-source.ts';

/**
 * Opens the model at a path: a GGUF file of any name (one part of a split model represents all), or a folder. A `.json`
 * file is a tokenizer without a model, and gets the usual name of a tokenizer file.
 * @throws EngineError MODEL_NOT_FOUND when the path does not exist, BAD_REQUEST for a file of another kind, MODEL_IO
 */
export async function openModelPath(path: string): Promise<ModelFiles> {
  const absolute = resolve(path);
  const found = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new EngineError('MODEL_NOT_FOUND', `${absolute} does not exist.`, { path });
    }
    throw new EngineError('MODEL_IO', `${path} cannot be read: ${error.message}`, { path });
  });
  const id = modelIdOfPath(absolute);
  if (found.isDirectory()) return stamped(filesIn(id, absolute, await fileNames(absolute)), absolute);
  const name = basename(absolute);
  if (extname(name).toLowerCase() === '.json') return renamed(id, 'tokenizer.json', absolute, found);
  if (!isGguf(name)) {
    // Ollama names its files by hash.
    if (await beginsLikeGguf(absolute)) return renamed(id, `${name}.gguf`, absolute, found);
    throw new EngineError(
      'BAD_REQUEST',
      `${path} is not a GGUF file. Pass the path of a .gguf file, or of a folder with config.json and safetensors.`,
      { path },
    );
  }
  return stamped(filesIn(id, dirname(absolute), await partsOf(dirname(absolute), name)), dirname(absolute));
}

/** An id for the model at a path: its name, with invalid characters replaced by dashes. */
export function modelIdOfPath(path: string): string {
  const { base, name: withoutExtension } = parse(resolve(path));
  const name = isGguf(base) ? withoutExtension : base;
  const plain = name.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return plain.slice(0, 128) || 'model';
}

function filesIn(id: string, folder: string, names: readonly string[]): ModelFiles {
  return {
    id,
    names,
    async open(name) {
      if (names.includes(name)) return openFileByteSource(join(folder, name));
      throw new EngineError('MODEL_NOT_FOUND', `The file ${name} is missing in ${folder}.`, { model: id, file: name });
    },
  };
}

async function stamped(files: ModelFiles, folder: string): Promise<ModelFiles> {
  const stamps = files.names.map(async (name) => {
    const path = join(folder, name);
    // The error is reported when it is opened.
    return stampOf(path, await stat(path).catch(() => null));
  });
  return { ...files, stamp: (await Promise.all(stamps)).join('\n') };
}

function stampOf(path: string, found: Stats | null): string {
  return found === null ? path : `${path} ${found.size} ${found.mtimeMs}`;
}

/** One file under the name for its kind. */
function renamed(id: string, name: string, path: string, found: Stats): ModelFiles {
  return {
    id,
    names: [name],
    stamp: stampOf(path, found),
    async open(asked) {
      if (asked === name) return openFileByteSource(path);
      throw new EngineError('MODEL_NOT_FOUND', `${path} is a single file; it has no ${asked}.`, {
        model: id,
        file: asked,
      });
    },
  };
}

async function beginsLikeGguf(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new EngineError('MODEL_IO', `${path} cannot be read: ${error.message}`, { path });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return hasGgufMagic(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** The file alone, or all parts of the same model next to it. */
async function partsOf(folder: string, name: string): Promise<string[]> {
  if (splitModelOf(name) === null) return [name];
  const model = ggufModelOf(name);
  return (await fileNames(folder)).filter((other) => ggufModelOf(other) === model);
}

async function fileNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EngineError('MODEL_IO', `Cannot read the folder ${folder}: ${reason}`, { folder });
  }
}
