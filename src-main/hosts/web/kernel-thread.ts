/** One thread of the CPU kernels in a browser. Imports nothing, so that it starts in a few milliseconds. */
import type { KernelThread } from '../../engine/api/platform.ts';

declare const self: DedicatedWorkerGlobalScope;

interface ThreadExports {
  nextRun(pool: number, seen: number, thread: number): number;
  partOfRun(pool: number): number;
  work(pool: number, thread: number): void;
}

self.addEventListener(
  'message',
  ({ data }: MessageEvent<KernelThread>) => {
    const { module, parts, thread } = data;
    const instances = parts.map(({ memory }) => {
      const env = { memory, cancelled: () => 0, begin: () => undefined, now: () => performance.now() };
      // The module is built from this repository's sources, so its exports are known.
      return new WebAssembly.Instance(module, { env }).exports as unknown as ThreadExports;
    });
    const [first] = instances;
    const [{ pool }] = parts;
    self.postMessage('ready');
    try {
      for (let run = 0; (run = first.nextRun(pool, run, thread)) !== 0;) {
        const part = first.partOfRun(pool);
        instances[part].work(parts[part].pool, thread);
      }
    } catch (error) {
      // The engine's thread is computing and receives no messages meanwhile.
      for (const { memory, failed } of parts) Atomics.store(new Int32Array(memory.buffer), failed / 4, 1);
      throw error;
    }
  },
  { once: true },
);
