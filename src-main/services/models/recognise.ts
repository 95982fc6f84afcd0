import type { ModelListing } from '../../protocol/app/app-services.ts';
import type { CatalogueModel } from './catalogue.ts';
import type { ModelLibrary } from './library.ts';
import { sha256OfFile } from './sha256-file.ts';

/**
 * Finds out whether a model that the user opened is one of the catalogue, which then no longer offers to download it. Only a
 * single file with the exact size of an entry is read.
 *
 * @returns whether it is, and was recorded
 * @throws EngineError MODEL_NOT_FOUND, MODEL_IO, STORAGE; the signal's reason when it is aborted
 */
export async function recognise(
  library: ModelLibrary,
  { id, fileBytes, catalogueId }: ModelListing,
  catalogue: () => Promise<readonly CatalogueModel[]>,
  signal: AbortSignal,
): Promise<boolean> {
  if (catalogueId !== null) return false;
  const sameSize = (await catalogue()).filter(({ bytes, sha256 }) => bytes === fileBytes && sha256 !== null);
  const { files } = await library.files(id);
  if (sameSize.length === 0 || files.length !== 1) return false;
  const sha256 = library.require(id).sha256 ?? (await sha256OfFile(files[0].path, undefined, signal));
  const entry = sameSize.find((other) => other.sha256 === sha256);
  // It may have been removed, or replaced, meanwhile.
  if (entry === undefined || library.find(id)?.path !== files[0].path) return false;
  await library.recognised(id, { catalogueId: entry.id, name: entry.name, sha256 });
  return true;
}
