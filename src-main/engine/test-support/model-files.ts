import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError } from '../api/errors.ts';
import type { ByteSource, ModelFiles } from '../api/platform.ts';

/** The built-in model's folder. */
export const TINY_TRANSFORMER_DIR = fileURLToPath(
  new URL('../../../resources/models/tiny-transformer', import.meta.url),
);

/** A model folder on disk, for tests. */
export async function nodeModelFiles(dir: string): Promise<ModelFiles> {
  const names = await readdir(dir);
  return {
    id: basename(dir),
    names,
    async open(name) {
      if (!names.includes(name)) throw notFound(dir, name);
      const path = join(dir, name);
      const { size } = await stat(path);
      return {
        name,
        size,
        async read(offset, length) {
          const handle = await open(path);
          try {
            const bytes = new Uint8Array(length);
            const { bytesRead } = await handle.read(bytes, 0, length, offset);
            return bytes.subarray(0, bytesRead);
          } finally {
            await handle.close();
          }
        },
      };
    },
  };
}

/** A file in memory. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read(offset, length) {
      if (offset < 0 || offset + length > bytes.length) {
        const message = `${name}: bytes ${offset}..${offset + length} lie outside the file's ${bytes.length}.`;
        return Promise.reject(new EngineError('MODEL_FORMAT', message));
      }
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
}

/** A model folder in memory. */
export function memoryModelFiles(id: string, files: Readonly<Record<string, Uint8Array>>): ModelFiles {
  return {
    id,
    names: Object.keys(files),
    open(name) {
      const bytes = files[name];
      return bytes ? Promise.resolve(memorySource(name, bytes)) : Promise.reject(notFound(id, name));
    },
  };
}

function notFound(where: string, name: string): EngineError {
  return new EngineError('MODEL_NOT_FOUND', `There is no file ${name} in ${where}.`, { name });
}
