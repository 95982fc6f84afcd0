/** Threads of the CPU kernels in Node. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../../engine/api/errors.ts';
import type { KernelThreads } from '../../engine/api/platform.ts';

export function nodeKernelThreads(): KernelThreads {
  return {
    available: availableParallelism(),
    async start(thread, onFailure) {
      const worker = new Worker(threadScript(), { workerData: thread, name: `kernels ${thread.thread}` });
      let stopping = false;
      await new Promise<void>((resolve, reject) => {
        const fail = (reason: string) => {
          if (!stopping) onFailure();
          reject(new EngineError('BACKEND_LOST', `A CPU kernel thread did not start: ${reason}`));
        };
        worker.once('message', () => resolve());
        worker.once('error', (error) => fail(error instanceof Error ? error.message : String(error)));
        worker.once('exit', (code) => fail(`it exited with code ${code}.`));
      });
      return {
        async stop() {
          stopping = true;
          await worker.terminate();
        },
      };
    },
  };
}

/** Next to this file in the sources; in built code next to the entry scripts, which may be one folder up. */
function threadScript(): URL {
  const places = ['./kernel-thread.mjs', './kernel-thread.js', '../kernel-thread.js'];
  const found = places.map((place) => new URL(place, import.meta.url)).find((url) => existsSync(url));
  if (found) return found;
  throw new EngineError('BACKEND_LOST', `The script for the kernel threads is missing next to ${import.meta.url}.`);
}
