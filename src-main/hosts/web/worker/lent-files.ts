import { checkRange } from '../../../engine/api/byte-range.ts';
import { EngineError } from '../../../engine/api/errors.ts';
import type { ByteSource, ModelFiles } from '../../../engine/api/platform.ts';

/** The files of models that a person opened in the page, by id; available as long as the page is open. */
export class LentFiles {
  readonly #models = new Map<string, { name: string; files: readonly File[] }>();

  lend(id: string, name: string, files: readonly File[]): void {
    this.#models.set(id, { name, files });
  }

  takeBack(id: string): void {
    this.#models.delete(id);
  }

  /** Null for an unknown id. */
  open(id: string): ModelFiles | null {
    const model = this.#models.get(id);
    if (model === undefined) return null;
    const { name: title, files } = model;
    return {
      id,
      name: title,
      names: files.map(({ name }) => name),
      stamp: files.map(({ name, size, lastModified }) => `${name} ${size} ${lastModified}`).join('\n'),
      async open(name) {
        const file = files.find((candidate) => candidate.name === name);
        if (file !== undefined) return fileSource(file);
        throw new EngineError(
          'MODEL_NOT_FOUND',
          `The file ${name} is missing. Choose or drop all files of the model together.`,
          { file: name },
        );
      },
    };
  }
}

/** Random access to a file by slices, without copying the rest. */
function fileSource(file: File): ByteSource {
  const { name, size } = file;
  return {
    name,
    size,
    async read(offset, length) {
      checkRange(name, offset, length, size);
      try {
        return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new EngineError(
          'MODEL_IO',
          `${name} can no longer be read: it was changed, moved or deleted after it was opened. Open it again. (${reason})`,
          { file: name },
        );
      }
    },
  };
}
