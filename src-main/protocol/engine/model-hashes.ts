import { EngineError } from '../../engine/api/errors.ts';
import type { CancelToken, ModelFiles } from '../../engine/api/platform.ts';
import type { FileHash, ModelInfo } from '../../engine/api/types.ts';
import type { OpenedFiles } from '../../engine/index.ts';
import { cancelled } from '../errors.ts';
import type { Hash } from '../sha256.ts';

/** Bytes per read. */
const READ_BYTES = 1024 * 1024;
/** Time between checks whether the engine is idle, ms. */
const IDLE_CHECK_MS = 20;

/** The engine's current state. */
export interface HashedEngine {
  readonly busy: boolean;
  readonly model: Pick<ModelInfo, 'id'> | null;
  readonly files: OpenedFiles | null;
}

/** Hashes the files of the loaded model while the engine is idle, and keeps the latest result. */
export class ModelHashes {
  #latest: { readonly key: string; readonly hashes: FileHash[] } | null = null;
  readonly #openModel: (id: string) => Promise<ModelFiles>;
  readonly #newHash: () => Hash;

  constructor(openModel: (id: string) => Promise<ModelFiles>, newHash: () => Hash) {
    this.#openModel = openModel;
    this.#newHash = newHash;
  }

  /**
   * @throws EngineError NO_MODEL, also if the model is unloaded meanwhile; MODEL_IO if the files are missing or changed
   * after they were loaded; CANCELLED
   */
  async of(engine: HashedEngine, cancel: CancelToken): Promise<FileHash[]> {
    const { model, files } = engine;
    if (model === null || files === null) throw new EngineError('NO_MODEL', 'No model is loaded. Load one first.');
    const { id } = model;
    const opened = await this.#openModel(id);
    if (opened.stamp !== files.stamp) {
      const message = `The files of ${id} changed after it was loaded. Load it again.`;
      throw new EngineError('MODEL_IO', message, { model: id });
    }
    const key = JSON.stringify([id, files.stamp, files.names]);
    if (this.#latest?.key === key) return this.#latest.hashes;
    const hashes: FileHash[] = [];
    for (const name of files.names) {
      hashes.push(await this.#hash(opened, name, () => untilIdle(engine, files, cancel)));
    }
    this.#latest = { key, hashes };
    return hashes;
  }

  async #hash(files: ModelFiles, name: string, beforeRead: () => Promise<void>): Promise<FileHash> {
    const source = await files.open(name);
    try {
      const hash = this.#newHash();
      for (let at = 0; at < source.size; at += READ_BYTES) {
        await beforeRead();
        hash.update(await source.read(at, Math.min(READ_BYTES, source.size - at)));
      }
      return { name, bytes: source.size, sha256: hash.digest() };
    } finally {
      await source.close?.();
    }
  }
}

/** Waits while a reply is generated, which hashing on the same thread would slow down. */
async function untilIdle(engine: HashedEngine, files: OpenedFiles, cancel: CancelToken): Promise<void> {
  while (!cancel.cancelled && engine.busy) await new Promise((resolve) => setTimeout(resolve, IDLE_CHECK_MS));
  if (cancel.cancelled) throw cancelled('Stopped while the model’s files were being hashed.');
  if (engine.files !== files) {
    throw new EngineError('NO_MODEL', 'The model was unloaded while its files were being hashed.');
  }
}
