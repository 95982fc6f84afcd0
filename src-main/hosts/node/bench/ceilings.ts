/** What this machine can do at most, with the same compilers as the kernels: reading memory, multiplying. */
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import type { CompiledKernels } from '../../../engine/platform.ts';
import type { MachineCeilings } from './bench-messages.ts';

/**
 * Read by each thread: what a small model's weights take, so that as much of it stays in the caches that a server's
 * processors share. Its eighths lie no power of two apart, which caches would put in one place.
 */
const REGION_BYTES = 96 * 2 ** 20 - 8 * 69_632;
const FIRST = 65536;
const PAGE = 65536;
const ROUNDS = 5;
/** Rounds of `multiplyAdd` that take some milliseconds. */
const MULTIPLY_ROUNDS = 50_000;
/** What `multiplyAdd` multiplies and adds in a round. */
const MACS_PER_ROUND = 512;

/** `workerData` of a thread. Told `read` or `multiply`, it answers how many ms that took. */
export interface CeilingTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly regionAt: number;
  readonly regionBytes: number;
  /** A page that stays in the first cache. */
  readonly panelAt: number;
  readonly rounds: number;
}

/** The best of some rounds, in which all threads do the same at once. */
export async function measureCeilings(kernels: CompiledKernels, threads: number): Promise<MachineCeilings> {
  const bytes = FIRST + threads * (REGION_BYTES + PAGE);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE), maximum: 65536, shared: true });
  // Pages that nobody wrote to are all the same one.
  new Uint8Array(memory.buffer).fill(1);
  const workers: Worker[] = [];
  try {
    for (let thread = 0; thread < threads; thread++) {
      const panelAt = FIRST + thread * (REGION_BYTES + PAGE);
      const task: CeilingTask = {
        ...{ memory, panelAt, regionAt: panelAt + PAGE, regionBytes: REGION_BYTES },
        module: kernels.wide ?? kernels.module,
        rounds: MULTIPLY_ROUNDS,
      };
      workers.push(new Worker(new URL('./ceilings-thread.js', import.meta.url), { workerData: task }));
    }
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const best = async (kind: 'read' | 'multiply') => {
      let most = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const answers = workers.map((worker) => once(worker, 'message') as Promise<[number]>);
        for (const worker of workers) worker.postMessage(kind);
        const times = (await Promise.all(answers)).map(([ms]) => ms);
        most = Math.max(
          most,
          times.reduce((sum, ms) => sum + 1000 / ms, 0),
        );
      }
      return most;
    };
    return {
      threads,
      readBytesPerSecond: (await best('read')) * REGION_BYTES,
      multiplyAddsPerSecond: (await best('multiply')) * MULTIPLY_ROUNDS * MACS_PER_ROUND,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
