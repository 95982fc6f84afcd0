import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { EngineError } from '../../../engine/api/errors.ts';
import type { ByteSink } from '../../../engine/api/platform.ts';

/** A file that gets its name only after it was written completely. */
export interface NewFile extends ByteSink {
  /** Gives it its name. */
  finish(): Promise<void>;
  /** Deletes it, unless it is finished. */
  discard(): Promise<void>;
}

/**
 * Creates a temporary file next to the final path, so that a failure leaves no partial file under that name. It is deleted
 * if the process exits first.
 * @throws EngineError BAD_REQUEST when the file exists or has no name, STORAGE when it cannot be written
 */
export async function createFile(path: string): Promise<NewFile> {
  refuseNameless(path);
  refuseExisting(path);
  // Random, because a process that was killed leaves its file, and another one may get its id.
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  const file = await open(temporary, 'wx').catch((error: unknown) => {
    throw failed(path, error);
  });
  const deleteAtExit = () => {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // The process ends, and nobody could do anything about it.
    }
  };
  process.on('exit', deleteAtExit);
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at).catch((error: unknown) => {
          throw failed(path, error);
        });
        at += bytesWritten;
      }
    },
    async finish() {
      try {
        await file.sync();
        await close();
        refuseExisting(path);
        await rename(temporary, path);
        process.off('exit', deleteAtExit);
      } catch (error) {
        throw error instanceof EngineError ? error : failed(path, error);
      }
    },
    async discard() {
      await close();
      await rm(temporary, { force: true });
      process.off('exit', deleteAtExit);
    },
  };
}

function refuseNameless(path: string): void {
  if (path !== '' && !path.endsWith('/') && !path.endsWith(sep)) return;
  throw new EngineError('BAD_REQUEST', `"${path}" is not the path of a file. Add a file name.`, { path });
}

function refuseExisting(path: string): void {
  if (!existsSync(path)) return;
  throw new EngineError('BAD_REQUEST', `${path} already exists. Delete it, or choose another name.`, { path });
}

function failed(path: string, error: unknown): EngineError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    ENOENT: 'its folder does not exist',
    EACCES: 'permission denied',
    EROFS: 'the disk is read-only',
  };
  const reason = (code !== undefined && why[code]) || message;
  return new EngineError('STORAGE', `Cannot write ${path}: ${reason}.`, { path, reason: code ?? message });
}
