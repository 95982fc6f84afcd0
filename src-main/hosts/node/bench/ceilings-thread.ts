/** One thread of `measureCeilings`. worker_threads entry. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CeilingRound, CeilingTask, CeilingTimes } from './ceilings.ts';

const task = workerData as CeilingTask;
const { exports } = new WebAssembly.Instance(task.module, {
  env: { memory: task.memory, cancelled: () => 0, begin: () => undefined, now: () => performance.now() },
});
// The module is built from this repository's sources, so its exports are known.
const { readMemory, multiplyAdd } = exports as unknown as {
  readMemory(at: number, bytes: number, streams: 2 | 8): void;
  multiplyAdd(at: number, rounds: number): void;
};
const numbers = new Int32Array(task.memory.buffer);

parentPort?.on('message', ({ kind, arrivals }: CeilingRound) => {
  Atomics.add(numbers, task.arrivedAt, 1);
  // Spin: with sleeping, threads would start one after the other. The messages to all of them are under way.
  while (Atomics.load(numbers, task.arrivedAt) < arrivals);
  const began = performance.timeOrigin + performance.now();
  if (kind === 'multiply') multiplyAdd(task.panelAt, task.multiplyRounds);
  else for (let pass = 0; pass < task.readPasses; pass++) readMemory(task.regionAt, task.regionBytes, kind);
  parentPort?.postMessage([began, performance.timeOrigin + performance.now()] satisfies CeilingTimes);
});
parentPort?.postMessage('ready');
