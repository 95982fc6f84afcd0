import { freemem, totalmem } from 'node:os';
import type { SystemMemory } from '../protocol/app/app-services.ts';

/** This computer's memory, as far as this process may use it. */
export function systemMemory(): SystemMemory {
  return { freeBytes: Math.min(freemem(), process.availableMemory()), totalBytes: totalmem() };
}
