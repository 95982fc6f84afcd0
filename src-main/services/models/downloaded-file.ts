/** Deletes a model's file, but only if Tokenscope wrote it and it is unchanged. */
import { rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import { storageError } from '../json-file.ts';
import type { LibraryModel } from './library-file.ts';
import { sha256OfFile } from './sha256-file.ts';

/** Changes whenever the file is written, replaced or moved; null when it is missing. */
export async function stampOfFile(path: string): Promise<string | null> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return null;
  }
}

/**
 * @param ownFolder default download folder
 * @throws EngineError BAD_REQUEST for a file that Tokenscope did not write, or that has changed; STORAGE
 */
export async function deleteDownloaded(model: LibraryModel, ownFolder: string, signal?: AbortSignal): Promise<void> {
  const { path, source } = model;
  const written = writtenBefore(model, ownFolder);
  if (written === null || source !== 'download') {
    throw refused(path, `Tokenscope did not download ${path}, so it will not delete it.`);
  }
  const stamp = await stampOfFile(path);
  // A missing file cannot be compared.
  const isAsWritten = stamp === null || stamp === written.stamp;
  if (!isAsWritten && (await sha256OfFile(path, undefined, signal)) !== written.sha256) {
    throw refused(path, `${path} changed after Tokenscope downloaded it, so it was not deleted.`);
  }
  await rm(path, { force: true }).catch((error: unknown) => {
    throw storageError('delete', path, error);
  });
}

/**
 * What Tokenscope wrote at the model's path. Earlier versions did not record it: their files are those in Tokenscope's
 * own folder.
 */
function writtenBefore(
  { path, sha256, downloaded }: LibraryModel,
  ownFolder: string,
): { sha256: string; stamp: string | null } | null {
  if (downloaded !== null) return downloaded.path === path ? downloaded : null;
  return sha256 !== null && dirname(path) === ownFolder ? { sha256, stamp: null } : null;
}

function refused(path: string, message: string): EngineError {
  return new EngineError(
    'BAD_REQUEST',
    `${message} You can remove the model from the list and delete the file yourself.`,
    { path },
  );
}
