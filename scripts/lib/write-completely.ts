import { type FileHandle, open, rename, rm } from 'node:fs/promises';

/**
 * Writes a file under another name and renames it at the end, so that a file of that name is always complete.
 * @throws what `write` throws, after removing what was written
 */
export async function writeCompletely(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const part = `${path}.part`;
  const file = await open(part, 'w');
  try {
    await write(file);
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}
