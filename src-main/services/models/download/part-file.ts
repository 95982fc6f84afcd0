/** What there is of a download: the bytes in `NAME.part`, and beside them what they are in `NAME.part.json`. */
import { open, rename, rm, stat, truncate, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { modelId } from '../../../protocol/schemas.ts';
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

  /** @throws EngineError STORAGE */
  async saveState(state: PartState): Promise<void> {
    await writeJson(this.#statePath, state);
  }

  /** Bytes that are there. */
  async bytes(): Promise<number> {
    return await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** Opens it for writing at its end. @throws DownloadFailure disk */
  async append(): Promise<FileHandle> {
    return await this.#doing(open(this.path, 'a', 0o644));
  }

  /** @throws DownloadFailure disk */
  async empty(): Promise<void> {
    if ((await this.bytes()) > 0) await this.#doing(truncate(this.path, 0));
  }

  /** Becomes the whole file, in one step. @throws DownloadFailure disk */
  async finish(): Promise<void> {
    await this.#doing(rename(this.path, this.target));
    await this.#doing(rm(this.#statePath, { force: true }));
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
