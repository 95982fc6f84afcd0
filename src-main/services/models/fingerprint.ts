/** Whether the files of a model are still those that were added, without reading gigabytes. */
import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { unreachable, type PlacedFile } from './model-place.ts';

/** Hashes are SHA-256, in lowercase hex. */
export interface Fingerprint {
  /** Of all files. */
  bytes: number;
  /** Of the file that was written last, ms since 1970. */
  mtimeMs: number;
  /** Over the size and the first 256 KiB of each file; where there are several, over their names too. */
  head: string;
  /** Over what `stat` says of each file, times to the nanosecond; null in lists of earlier versions. */
  stamp: string | null;
  /** Over the whole of each small file and blocks from all over a large one; null in lists of earlier versions. */
  samples: string | null;
}

const HEAD_BYTES = 256 * 1024;
/** Files up to this size are read whole. */
const SMALL_BYTES = 32 * 1024 * 1024;
const BLOCK_BYTES = 64 * 1024;
/** Of a large file, evenly from its beginning to its end. */
const BLOCKS = 33;

/** What `stat` says, for comparing with a fingerprint. */
export function totals(files: readonly PlacedFile[]): Pick<Fingerprint, 'bytes' | 'mtimeMs'> & { stamp: string } {
  const stamp = createHash('sha256');
  for (const file of files) stamp.update(`${titleOf(file, files)} ${file.mtimeNs}\n`);
  return {
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    mtimeMs: files.reduce((latest, { mtimeNs }) => Math.max(latest, milliseconds(mtimeNs)), 0),
    stamp: stamp.digest('hex'),
  };
}

/** @throws EngineError MODEL_NOT_FOUND, MODEL_IO */
export async function fingerprintOf(files: readonly PlacedFile[]): Promise<Fingerprint> {
  const head = createHash('sha256');
  const samples = createHash('sha256');
  for (const placed of files) {
    const title = `${titleOf(placed, files)}\n`;
    head.update(title);
    samples.update(title);
    try {
      const file = await open(placed.path, 'r');
      try {
        await hashRange(file, head, 0, HEAD_BYTES);
        await hashSamples(file, samples, placed.size);
      } finally {
        await file.close();
      }
    } catch (error) {
      throw unreachable(placed.path, error);
    }
  }
  return { ...totals(files), head: head.digest('hex'), samples: samples.digest('hex') };
}

/** Whether two fingerprints are of the same content, as far as both know it. */
export function hasSameContent(a: Fingerprint, b: Fingerprint): boolean {
  if (a.bytes !== b.bytes || a.head !== b.head) return false;
  return a.samples === null || b.samples === null || a.samples === b.samples;
}

async function hashSamples(file: FileHandle, hash: Hash, size: number): Promise<void> {
  if (size <= SMALL_BYTES) {
    for (let at = 0; at < size; at += HEAD_BYTES) await hashRange(file, hash, at, HEAD_BYTES);
    return;
  }
  for (let block = 0; block < BLOCKS; block++) {
    await hashRange(file, hash, Math.floor((block * (size - BLOCK_BYTES)) / (BLOCKS - 1)), BLOCK_BYTES);
  }
}

async function hashRange(file: FileHandle, hash: Hash, at: number, length: number): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  hash.update(buffer.subarray(0, bytesRead));
}

/** A file that is alone may be renamed. */
function titleOf({ name, size }: PlacedFile, files: readonly PlacedFile[]): string {
  return files.length === 1 ? `${size}` : `${name} ${size}`;
}

/** As `mtimeMs` of `stat`, which lists of earlier versions hold, to the last bit. */
function milliseconds(ns: bigint): number {
  return Number(ns / 1_000_000_000n) * 1000 + Number(ns % 1_000_000_000n) / 1_000_000;
}
