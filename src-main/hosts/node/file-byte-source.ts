import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { checkRange } from '../../engine/api/byte-range.ts';
import { EngineError } from '../../engine/api/errors.ts';
import type { ByteSource } from '../../engine/api/platform.ts';

/**
 * Random access to a file on disk. The file stays open until `close`.
 * @throws EngineError MODEL_NOT_FOUND when it does not exist, MODEL_IO when it cannot be read.
 */
export async function openFileByteSource(path: string): Promise<ByteSource> {
  const name = basename(path);
  const file = await open(path, 'r').catch((error: unknown) => {
    throw openingFailed(path, error);
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new EngineError('MODEL_IO', `${path} is not a file. Pass the path of a model file.`, { file: path });
  }

  return {
    name,
    size: stat.size,
    async read(offset, length, buffer) {
      checkRange(name, offset, length, stat.size);
      const bytes = buffer?.subarray(0, length) ?? new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done).catch((error: unknown) => {
          throw new EngineError('MODEL_IO', `Reading ${path} failed: ${reasonOf(error)}`, {
            file: path,
            offset,
            length,
          });
        });
        if (bytesRead === 0) {
          throw new EngineError('MODEL_IO', `${path} became shorter while it was being read. Load the model again.`, {
            file: path,
            offset: offset + done,
          });
        }
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

function openingFailed(path: string, error: unknown): EngineError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new EngineError('MODEL_NOT_FOUND', `The file ${path} does not exist.`, { file: path });
  }
  return new EngineError('MODEL_IO', `Cannot open ${path}: ${reasonOf(error)}`, { file: path });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
