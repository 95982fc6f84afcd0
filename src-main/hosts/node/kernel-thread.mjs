/** One thread of the CPU kernels. Plain JavaScript in a single file, so that threads start in a few milliseconds. */
import { parentPort, workerData } from 'node:worker_threads';

const { module, parts, thread } = workerData;
const instances = parts.map(
  ({ memory }) =>
    new WebAssembly.Instance(module, {
      env: { memory, cancelled: () => 0, begin: () => undefined, now: () => performance.now() },
    }).exports,
);
const [first] = instances;
const [{ pool }] = parts;
parentPort.postMessage('ready');
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
