/** What there is of a download: the bytes in `NAME.part`, and beside them what they are in `NAME.part.json`. */
import { open, rename, rm, stat, truncate, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { modelId } from '../../../protocol/fields.ts';
import { readJson, writeJson } from '../../json-file.ts';
import { diskFailure } from './download-failure.ts';

const partState = v.object({
  version: v.literal(1),
  catalogueId: modelId,
  /** What lets the server say whether the rest belongs to the same file; null: it gave nothing of the kind. */
  validator: v.nullable(v.pipe(v.string(), v.maxLength(1000))),
  totalBytes: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
});
export type PartState = v.InferOutput<typeof partState>;

export const PART_STATE_SUFFIX = '.part.json';

/** The state beside a part file; null when there is none that can be read. */
export async function readPartState(path: string): Promise<PartState | null> {
  const read = await readJson(path);
  const parsed = read.state === 'read' ? v.safeParse(partState, read.value) : null;
  return parsed?.success ? parsed.output : null;
}

export class PartFile {
  /** Where the whole file will be. */
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

  /** Bytes that are there. */
  async bytes(): Promise<number> {
    return await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /**
   * Opens it for writing behind its first `from` bytes, drops what came after them, and records what the bytes will be.
   * Until then nothing of it is touched. @throws DownloadFailure disk
   */
  async begin(from: number, state: PartState): Promise<FileHandle> {
    const file = await this.#doing(open(this.path, 'a', 0o644));
    try {
      // In this order: bytes must never be there under the state of other ones.
      await this.#doing(file.truncate(from));
      await this.#doing(writeJson(this.#statePath, state));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Drops what came after the first `from` bytes. @throws DownloadFailure disk */
  async cutTo(from: number): Promise<void> {
    if (from === 0) await this.remove();
    else await this.#doing(truncate(this.path, from));
  }

  /** Becomes the whole file, in one step. @throws DownloadFailure disk */
  async finish(): Promise<void> {
    await this.#doing(rename(this.path, this.target));
    await this.#doing(rm(this.#statePath, { force: true }));
  }

  /** Whether anything of it is on the disk. */
  async exists(): Promise<boolean> {
    return (await isThere(this.path)) || (await isThere(this.#statePath));
  }

  /** Leaves nothing behind. @throws DownloadFailure disk */
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

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
