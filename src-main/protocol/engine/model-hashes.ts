import { EngineError } from '../../engine/api/errors.ts';
import type { CancelToken, ModelFiles } from '../../engine/api/platform.ts';
import type { FileHash, ModelInfo } from '../../engine/api/types.ts';
import type { Hash } from '../sha256.ts';
import { cancelled } from '../errors.ts';

/** Bytes that are read at once: the event loop turns between. */
const PIECE = 1024 * 1024;

/** A loaded model and the files that it was read from. */
interface Loaded {
  readonly model: Pick<ModelInfo, 'id'> | null;
  readonly files: { readonly names: readonly string[]; readonly stamp: string | undefined } | null;
}

/** Hashes of the loaded model's files: taken when they are first asked for, and kept until other files are asked for. */
export class ModelHashes {
  #known: { readonly key: string; readonly hashes: Promise<FileHash[]> } | null = null;
  readonly #openModel: (id: string) => Promise<ModelFiles>;
  readonly #newHash: () => Hash;

  constructor(openModel: (id: string) => Promise<ModelFiles>, newHash: () => Hash) {
    this.#openModel = openModel;
    this.#newHash = newHash;
  }

  /** @throws EngineError NO_MODEL; MODEL_IO when the files are gone or others than those that were loaded; CANCELLED */
  async of({ model, files }: Loaded, cancel: CancelToken): Promise<FileHash[]> {
    if (model === null || files === null) throw new EngineError('NO_MODEL', 'No model is loaded. Load one first.');
    const { id } = model;
    const opened = await this.#openModel(id);
    if (opened.stamp !== files.stamp) {
      throw new EngineError('MODEL_IO', `The files of ${id} have changed since it was loaded. Load it again.`, {
        model: id,
      });
    }
    const key = JSON.stringify([id, files.stamp, files.names]);
    if (this.#known?.key !== key) {
      const known = { key, hashes: hashFiles(opened, files.names, this.#newHash, cancel) };
      this.#known = known;
      known.hashes.catch(() => {
        // Asked again, they are read again.
        if (this.#known === known) this.#known = null;
      });
    }
    return this.#known.hashes;
  }
}

async function hashFiles(
  files: ModelFiles,
  names: readonly string[],
  newHash: () => Hash,
  cancel: CancelToken,
): Promise<FileHash[]> {
  const hashes: FileHash[] = [];
  for (const name of names) {
    const source = await files.open(name);
    try {
      const hash = newHash();
      for (let at = 0; at < source.size; at += PIECE) {
        if (cancel.cancelled) throw cancelled('Stopped before the model’s files were hashed.');
        hash.update(await source.read(at, Math.min(PIECE, source.size - at)));
      }
      hashes.push({ name, bytes: source.size, sha256: hash.digest() });
    } finally {
      await source.close?.();
    }
  }
  return hashes;
}
