import { totalmem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Measurements, MessageLink, Platform, PrefixStore } from '../../engine/api/platform.ts';
import { collectGarbage } from './collect-garbage.ts';
import { visibleControls } from './control-characters.ts';
import { nodeKernelThreads } from './kernel-threads.ts';
import { nodeGpu } from './gpu.ts';
import { compileNodeKernels } from './kernels.ts';

/**
 * The engine's platform in Node. Warnings go to standard error; details of normal work only with TOKENSCOPE_DEBUG=1.
 * @param measurements without it, measurements are not stored
 * @param prefixStore without it, K and V are not stored beyond the process
 * @param connectGpu without it, the GPU is used through Dawn
 */
export function nodePlatform(
  measurements?: Measurements,
  prefixStore?: PrefixStore,
  connectGpu?: () => Promise<MessageLink>,
): Platform {
  const debug = process.env.TOKENSCOPE_DEBUG === '1';
  // A message may contain what a model's file does, and a terminal would obey it. Node escapes the details.
  const report = (message: string, details?: unknown) => console.error(visibleControls(message, '\n\t'), details ?? '');
  return {
    clock: { now: () => performance.now() },
    log: {
      debug: (message, details) => {
        if (debug) report(message, details);
      },
      warn: report,
    },
    yieldToHost: async () => {
      await setImmediate();
    },
    compileKernels: async () => compileNodeKernels(),
    ...(connectGpu ? { connectGpu } : { openGpu: nodeGpu }),
    threads: nodeKernelThreads(),
    measurements,
    prefixStore,
    memoryBytes: memoryBytes(),
    randomSeed: () => crypto.getRandomValues(new Uint32Array(1))[0],
    collectGarbage,
  };
}

/** What a container allows may be less than what the computer has. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  // 0, or a number beyond all memory, if there is no limit.
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
