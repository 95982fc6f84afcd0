/** One thread of the CPU kernels. Plain JavaScript and nothing but this file: threads start in a few milliseconds. */
import { parentPort, workerData } from 'node:worker_threads';

const { module, memory, pool, failed, thread } = workerData;
const { exports } = new WebAssembly.Instance(module, {
  env: { memory, cancelled: () => 0, now: () => performance.now() },
});
parentPort.postMessage('ready');
try {
  exports.work(pool, thread);
} catch (error) {
  // The engine's thread computes and hears no messages meanwhile.
  Atomics.store(new Int32Array(memory.buffer), failed / 4, 1);
  throw error;
}
