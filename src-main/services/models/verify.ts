import { EngineError } from '../../engine/api/errors.ts';
import type { ModelVerification } from '../../protocol/app/app-services.ts';
import type { CatalogueModel } from './catalogue.ts';
import type { ModelLibrary } from './library.ts';
import { sha256OfFile } from './sha256-file.ts';

export interface VerifyOptions {
  /** The model's catalogue entry; null when it is not from there. */
  entry: CatalogueModel | null;
  onBytes?(bytes: number, totalBytes: number): void;
  signal?: AbortSignal;
}

/**
 * Computes the SHA-256 of a model's file and compares it with the catalogue's, or with the recorded one. Without either,
 * it records the hash.
 * @throws EngineError BAD_REQUEST for a model of several files, MODEL_NOT_FOUND, MODEL_IO
 */
export async function verifyModel(
  library: ModelLibrary,
  id: string,
  { entry, onBytes, signal }: VerifyOptions,
): Promise<ModelVerification> {
  const model = library.require(id);
  const { files } = await library.files(id);
  const [file, ...others] = files;
  if (file === undefined || others.length > 0) {
    throw new EngineError(
      'BAD_REQUEST',
      `${model.path} has ${files.length} files. Only models with a single file can be verified.`,
      { model: id, files: files.length },
    );
  }
  const sha256 = await sha256OfFile(file.path, (bytes) => onBytes?.(bytes, file.size), signal);
  const expected = entry?.sha256 ?? model.sha256;
  const expectedFrom = entry?.sha256 ? 'catalogue' : expected === null ? null : 'recorded';
  const matches = expected === null ? null : expected === sha256;
  if (expected === null) await library.hashed(id, sha256);
  return { sha256, expected, expectedFrom, matches, text: textOf(file.path, sha256, expected, expectedFrom) };
}

function textOf(
  path: string,
  sha256: string,
  expected: string | null,
  from: ModelVerification['expectedFrom'],
): string {
  if (expected === null) {
    return `There is no SHA-256 to compare ${path} with. It is ${sha256}, which was saved for later checks.`;
  }
  const whose = from === 'catalogue' ? 'the catalogue’s' : 'the one saved earlier';
  if (expected === sha256) return `The file is intact: its SHA-256 matches ${whose}.`;
  return `The file is damaged or a different one: its SHA-256 is ${sha256}, but ${whose} is ${expected}. Download or copy it again.`;
}
