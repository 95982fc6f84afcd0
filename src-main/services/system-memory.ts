import { freemem, totalmem } from 'node:os';
import type { SystemMemory } from '../protocol/app/app-services.ts';

/** The memory of this computer, as far as this process may use it. */
export function systemMemory(): SystemMemory {
  return { freeBytes: Math.min(freemem(), process.availableMemory()), totalBytes: totalmem() };
}
