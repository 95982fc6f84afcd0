import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Measurements, Platform } from '../../engine/api/platform.ts';
import { nodeKernelThreads } from './kernel-threads.ts';
import { nodeGpu } from './gpu.ts';
import { compileNodeKernels } from './kernels.ts';

/**
 * The engine's platform in Node. Warnings go to standard error; details of normal work only with TOKENSCOPE_DEBUG=1.
 * @param measurements without it, measurements are not stored
 */
export function nodePlatform(measurements?: Measurements): Platform {
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
    openGpu: nodeGpu,
    threads: nodeKernelThreads(),
    measurements,
    randomSeed: () => crypto.getRandomValues(new Uint32Array(1))[0],
    collectGarbage: () => garbageCollector()(),
  };
}

let collector: (() => void) | null = null;

/** V8 exposes its collector to contexts created after the flag was set. */
function garbageCollector(): () => void {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  return collector;
}
