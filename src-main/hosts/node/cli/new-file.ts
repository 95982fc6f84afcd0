import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
 * Creates a temporary file next to the final path, so that a failure leaves no partial file under that name.
 * @throws EngineError BAD_REQUEST when the file exists, STORAGE when it cannot be written
 */
export async function createFile(path: string): Promise<NewFile> {
  refuseExisting(path);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  const file = await open(temporary, 'wx').catch((error: unknown) => {
    throw failed(path, error);
  });
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
      } catch (error) {
        throw error instanceof EngineError ? error : failed(path, error);
      }
    },
    async discard() {
      await close();
      await rm(temporary, { force: true });
    },
  };
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
