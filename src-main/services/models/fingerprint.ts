/** Detects whether the files of a model have changed since they were added, without reading gigabytes. */
import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { unreachable, type LocatedFile } from './model-location.ts';

/** Hashes are SHA-256, in lowercase hex. */
export interface Fingerprint {
  /** Total size of the files. */
  bytes: number;
  /** Latest modification time of the files, ms since 1970. */
  mtimeMs: number;
  /** Of the size and the first 256 KiB of each file; for several files, also of their names. */
  head: string;
  /** Of the `stat` of each file, with times in nanoseconds; null in lists of earlier versions. */
  stamp: string | null;
  /** Of the content of each small file and of blocks throughout a large one; null in lists of earlier versions. */
  samples: string | null;
}

const HEAD_BYTES = 256 * 1024;
/** Files up to this size are read completely. */
const SMALL_BYTES = 32 * 1024 * 1024;
const BLOCK_BYTES = 64 * 1024;
/** Number of blocks of a large file, evenly distributed. */
const BLOCKS = 33;

/** The `stat` fields, for comparison with a fingerprint. */
export function totals(files: readonly LocatedFile[]): Pick<Fingerprint, 'bytes' | 'mtimeMs'> & { stamp: string } {
  const stamp = createHash('sha256');
  for (const file of files) stamp.update(`${titleOf(file, files)} ${file.mtimeNs}\n`);
  return {
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    mtimeMs: files.reduce((latest, { mtimeNs }) => Math.max(latest, milliseconds(mtimeNs)), 0),
    stamp: stamp.digest('hex'),
  };
}

/** @throws EngineError MODEL_NOT_FOUND, MODEL_IO */
export async function fingerprintOf(files: readonly LocatedFile[]): Promise<Fingerprint> {
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

/** Whether two fingerprints have the same content, as far as both include it. */
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

/** A single file may be renamed. */
function titleOf({ name, size }: LocatedFile, files: readonly LocatedFile[]): string {
  return files.length === 1 ? `${size}` : `${name} ${size}`;
}

/** Bit-identical to `mtimeMs` of `stat`, which lists of earlier versions contain. */
function milliseconds(ns: bigint): number {
  return Number(ns / 1_000_000_000n) * 1000 + Number(ns % 1_000_000_000n) / 1_000_000;
}
