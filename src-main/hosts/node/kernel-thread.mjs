/** One thread of the CPU kernels. Plain JavaScript in a single file, so that threads start in a few milliseconds. */
import { parentPort, workerData } from 'node:worker_threads';

const { module, memory, pool, failed, thread } = workerData;
const { exports } = new WebAssembly.Instance(module, {
  env: { memory, cancelled: () => 0, now: () => performance.now() },
});
parentPort.postMessage('ready');
try {
  exports.work(pool, thread);
} catch (error) {
  // The engine's thread is computing and receives no messages meanwhile.
  Atomics.store(new Int32Array(memory.buffer), failed / 4, 1);
  throw error;
}
