import { freemem, totalmem } from 'node:os';
import type { SystemMemory } from '../protocol/app/about.ts';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** This computer's memory, within the limits of this process. */
export function systemMemory(): SystemMemory {
  return { freeBytes: Math.min(freemem(), process.availableMemory()), totalBytes: totalmem() };
}

/** Free bytes for this user on the disk of a folder, which need not exist yet; null if the system does not say. */
export async function freeBytesAt(folder: string): Promise<number | null> {
  for (let place = folder; ; place = dirname(place)) {
    try {
      const { bavail, bsize } = await statfs(place);
      return bavail * bsize;
    } catch {
      if (place === dirname(place)) return null;
    }
  }
}
