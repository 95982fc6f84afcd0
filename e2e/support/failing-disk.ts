import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const SIZE_MB = 8;

/** The folder of chats on a disk that a test can fill or write-protect. */
export interface FailingDisk {
  readOnly(): Promise<void>;
  full(): Promise<void>;
  repair(): Promise<void>;
  /** Restores the folder; the content of the small disk is lost. */
  close(): Promise<void>;
}

/**
 * Mounts a small disk at `dataDir/chats`, which must be empty. If this user may not mount one, the folder is
 * write-protected instead, for a full disk too, with a message.
 */
export async function failingDisk(dataDir: string): Promise<FailingDisk> {
  const folder = join(dataDir, 'chats');
  await mkdir(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    console.log(
      `No disk can be mounted here (${String(error).split('\n')[0]}): the folder is write-protected instead.`,
    );
    return protectedFolder(folder);
  }
  const filler = join(folder, 'filler');
  const remount = (mode: 'ro' | 'rw') => execFileSync('mount', ['-o', `remount,${mode}`, folder]);
  return {
    async readOnly() {
      // Busy while the app has a file open for writing.
      for (let tries = 0; ; tries++) {
        try {
          return void remount('ro');
        } catch (error) {
          if (tries === 50) throw error;
          await setTimeout(100);
        }
      }
    },
    async full() {
      const block = Buffer.alloc(64 * 1024);
      try {
        for (;;) await writeFile(filler, block, { flag: 'a' });
      } catch {
        // Full.
      }
    },
    async repair() {
      remount('rw');
      await rm(filler, { force: true });
    },
    async close() {
      // The app may still access it.
      execFileSync('umount', ['--lazy', folder]);
    },
  };
}

function protectedFolder(folder: string): FailingDisk {
  const protect = () => chmod(folder, 0o500);
  const repair = () => chmod(folder, 0o700);
  return { readOnly: protect, full: protect, repair, close: repair };
}
