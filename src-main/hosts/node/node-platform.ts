import { setImmediate } from 'node:timers/promises';
import type { Platform } from '../../engine/platform.ts';
import { nodeKernelThreads } from './kernel-threads.ts';
import { compileNodeKernels } from './kernels.ts';

/** What Node gives the engine. Warnings go to standard error; details of normal work only with TOKENSCOPE_DEBUG=1. */
export function nodePlatform(): Platform {
  const debug = process.env.TOKENSCOPE_DEBUG === '1';
  return {
    clock: { now: () => performance.now() },
    log: {
      debug: (message, details) => {
        if (debug) console.error(message, details ?? '');
      },
      warn: (message, details) => console.error(message, details ?? ''),
    },
    yieldToHost: async () => {
      await setImmediate();
    },
    compileKernels: async () => compileNodeKernels(),
    threads: nodeKernelThreads(),
    randomSeed: () => crypto.getRandomValues(new Uint32Array(1))[0],
  };
}
