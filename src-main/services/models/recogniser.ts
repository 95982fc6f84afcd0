import { EngineError } from '../../engine/api/errors.ts';
import type { ModelListing } from '../../protocol/app/app-services.ts';
import type { CatalogueModel } from './catalogue.ts';
import type { ModelLibrary } from './library.ts';
import { sha256OfFile } from './sha256-file.ts';

interface RecogniserParts {
  readonly library: ModelLibrary;
  catalogue(): Promise<readonly CatalogueModel[]>;
  /** Stops reading files. */
  readonly signal: AbortSignal;
  /** A model of the library was recognised, or its hash is known now. */
  onChange(): void;
  /** Something else failed than reading a model's file, which the list reports. */
  onError(error: EngineError): void;
}

/**
 * Recognises files of the catalogue among the models that were added by path, so that the catalogue does not offer to download
 * them. Only a single file with the exact size of an entry is read, one at a time and in the background.
 */
export class Recogniser {
  readonly #parts: RecogniserParts;
  /** Models that were looked at since the start, with their content then. */
  readonly #seen = new Set<string>();
  #work: Promise<void> = Promise.resolve();

  constructor(parts: RecogniserParts) {
    this.#parts = parts;
  }

  look(listings: readonly ModelListing[]): void {
    for (const listing of listings) {
      const { id, path, builtIn, catalogueId, state } = listing;
      const key = JSON.stringify([id, path, this.#parts.library.find(id)?.fingerprint]);
      if (builtIn || catalogueId !== null || state !== 'ok' || this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#work = this.#work.then(() => this.#try(listing));
    }
  }

  async #try(listing: ModelListing): Promise<void> {
    const { signal, onChange, onError } = this.#parts;
    try {
      if (await this.#recognise(listing)) onChange();
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (signal.aborted || error.code === 'MODEL_NOT_FOUND' || error.code === 'MODEL_IO') return;
      onError(error);
    }
  }

  async #recognise({ id, fileBytes }: ModelListing): Promise<boolean> {
    const { library, catalogue, signal } = this.#parts;
    const sameSize = (await catalogue()).filter(({ bytes, sha256 }) => bytes === fileBytes && sha256 !== null);
    if (sameSize.length === 0) return false;
    const { files } = await library.files(id);
    if (files.length !== 1) return false;
    const known = library.require(id).sha256;
    const sha256 = known ?? (await sha256OfFile(files[0].path, undefined, signal));
    // It may have been removed or moved meanwhile.
    if (library.find(id)?.path !== files[0].path) return false;
    const entry = sameSize.find((other) => other.sha256 === sha256);
    if (entry !== undefined) await library.recognised(id, { catalogueId: entry.id, name: entry.name, sha256 });
    else if (known === null) await library.hashed(id, sha256);
    return entry !== undefined || known === null;
  }
}
