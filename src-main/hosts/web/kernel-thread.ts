/** One thread of the CPU kernels in a browser. Imports nothing, so that it starts in a few milliseconds. */
import type { KernelThread } from '../../engine/api/platform.ts';

declare const self: DedicatedWorkerGlobalScope;

self.addEventListener(
  'message',
  ({ data }: MessageEvent<KernelThread>) => {
    const { module, memory, pool, failed, thread } = data;
    const { exports } = new WebAssembly.Instance(module, {
      env: { memory, cancelled: () => 0, now: () => performance.now() },
    });
    self.postMessage('ready');
    try {
      // The module is built from this repository's sources, so its exports are known.
      (exports.work as (pool: number, thread: number) => void)(pool, thread);
    } catch (error) {
      // The engine's thread is computing and receives no messages meanwhile.
      Atomics.store(new Int32Array(memory.buffer), failed / 4, 1);
      throw error;
    }
  },
  { once: true },
);
