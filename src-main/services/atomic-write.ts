import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';

const MODE = 0o600;

/**
 * Replaces a file: after a crash it holds either the old or the new content. A disk that becomes full in the middle of a
 * write leaves the old content, too; the package write-file-atomic takes such a short write for a complete one.
 *
 * @param options `durable`: whether that holds for a power cut, too, so that this waits for the disk
 * @throws the system's error; the old file is then unchanged
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  { durable = true }: { durable?: boolean } = {},
): Promise<void> {
  // A link stays a link.
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${randomUUID()}`;
  try {
    const owner = await stat(target).catch(() => null);
    const file = await open(temporary, 'wx', MODE);
    try {
      await file.writeFile(content);
      // Only root may give files away, and not every file system knows owners.
      if (owner !== null) await file.chown(owner.uid, owner.gid).catch(() => undefined);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    // The write's own error says more.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
