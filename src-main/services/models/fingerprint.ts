/** Whether the files of a model are still those that were added, without reading gigabytes. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { unreachable, type PlacedFile } from './model-place.ts';

export interface Fingerprint {
  /** Of all files. */
  bytes: number;
  /** Of the file that was written last, ms since 1970. */
  mtimeMs: number;
  /** SHA-256 over the size and the first 256 KiB of each file; where there are several, over their names too. */
  head: string;
}

const HEAD_BYTES = 256 * 1024;

/** What `stat` says, for comparing with a fingerprint. */
export function totals(files: readonly PlacedFile[]): Omit<Fingerprint, 'head'> {
  return {
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    mtimeMs: files.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
  };
}

/** @throws EngineError MODEL_NOT_FOUND, MODEL_IO */
export async function fingerprintOf(files: readonly PlacedFile[]): Promise<Fingerprint> {
  const hash = createHash('sha256');
  for (const { name, path, size } of files) {
    // A file that is alone may be renamed.
    hash.update(files.length === 1 ? `${size}\n` : `${name} ${size}\n`);
    try {
      hash.update(await head(path));
    } catch (error) {
      throw unreachable(path, error);
    }
  }
  return { ...totals(files), head: hash.digest('hex') };
}

async function head(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
