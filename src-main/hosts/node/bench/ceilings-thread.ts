/** One thread of `measureCeilings`. worker_threads entry. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CeilingTask } from './ceilings.ts';

const { module, memory, regionAt, regionBytes, panelAt, rounds } = workerData as CeilingTask;
const { exports } = new WebAssembly.Instance(module, {
  env: { memory, cancelled: () => 0, now: () => performance.now() },
});
// The module is built from this repository's sources, so its exports are known.
const { readMemory, multiplyAdd } = exports as unknown as {
  readMemory(at: number, bytes: number): void;
  multiplyAdd(at: number, rounds: number): void;
};

parentPort?.on('message', (kind: 'read' | 'multiply') => {
  const started = performance.now();
  if (kind === 'read') readMemory(regionAt, regionBytes);
  else multiplyAdd(panelAt, rounds);
  parentPort?.postMessage(performance.now() - started);
});
parentPort?.postMessage('ready');
