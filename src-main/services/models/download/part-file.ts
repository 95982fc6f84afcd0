/** A partial download: the bytes in `NAME.part`, and their description in `NAME.part.json`. */
import { open, rename, rm, stat, truncate, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { modelId } from '../../../protocol/fields.ts';
import { exists, readJson, writeJson } from '../../json-file.ts';
import { diskFailure } from './download-failure.ts';

const partState = v.object({
  version: v.literal(1),
  catalogueId: modelId,
  /** Lets the server tell whether the rest belongs to the same file; null if it sent none. */
  validator: v.nullable(v.pipe(v.string(), v.maxLength(1000))),
  totalBytes: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
});
export type PartState = v.InferOutput<typeof partState>;

export const PART_STATE_SUFFIX = '.part.json';

/** The description of a part file; null when it is missing or unreadable. */
export async function readPartState(path: string): Promise<PartState | null> {
  const read = await readJson(path);
  const parsed = read.state === 'read' ? v.safeParse(partState, read.value) : null;
  return parsed?.success ? parsed.output : null;
}

export class PartFile {
  /** Path of the complete file. */
  readonly target: string;
  readonly path: string;
  readonly #statePath: string;

  constructor(folder: string, name: string) {
    this.target = join(folder, basename(name));
    this.path = `${this.target}.part`;
    this.#statePath = `${this.target}${PART_STATE_SUFFIX}`;
  }

  get lockPath(): string {
    return `${this.path}.lock`;
  }

  async state(): Promise<PartState | null> {
    return await readPartState(this.#statePath);
  }

  /** Size of the part file. */
  async bytes(): Promise<number> {
    return await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /**
   * Opens it for writing after its first `from` bytes, drops the rest, and records the description. Until then nothing is
   * changed. @throws DownloadFailure disk
   */
  async begin(from: number, state: PartState): Promise<FileHandle> {
    const file = await this.#doing(open(this.path, 'a', 0o644));
    try {
      // In this order: bytes must never be stored under another file's description.
      await this.#doing(file.truncate(from));
      await this.#doing(writeJson(this.#statePath, state));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Drops what follows the first `from` bytes. @throws DownloadFailure disk */
  async cutTo(from: number): Promise<void> {
    if (from === 0) await this.remove();
    else await this.#doing(truncate(this.path, from));
  }

  /** Atomically becomes the complete file. @throws DownloadFailure disk */
  async finish(): Promise<void> {
    await this.#doing(rename(this.path, this.target));
    await this.#doing(rm(this.#statePath, { force: true }));
  }

  /** Whether any of its files exist. */
  async exists(): Promise<boolean> {
    return (await exists(this.path)) || (await exists(this.#statePath));
  }

  /** Deletes all its files. @throws DownloadFailure disk */
  async remove(): Promise<void> {
    await this.#doing(rm(this.path, { force: true }));
    await this.#doing(rm(this.#statePath, { force: true }));
  }

  async #doing<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw diskFailure(error, this.path);
    }
  }
}
