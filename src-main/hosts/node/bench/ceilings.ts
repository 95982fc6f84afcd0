/** Measures this machine's limits with the same compilers as the kernels: reading memory, and multiplying. */
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import type { CompiledKernels } from '../../../engine/api/platform.ts';
import type { MachineCeilings } from './bench-messages.ts';

/**
 * Bytes read by each thread: the size of a small model's weights, so that the caches shared by a server's processors hold
 * a similar part. Its eighths are not a power of two apart, which would map them to the same cache sets.
 */
const REGION_BYTES = 96 * 2 ** 20 - 8 * 69_632;
/** Address of the arrival counter: see `CeilingTask`. */
const ARRIVED = 0;
const FIRST = 65536;
const PAGE = 65536;
const ROUNDS = 5;
/** Passes per round: about ten milliseconds, so that threads mostly overlap even if they do not start at once. */
const READ_PASSES = 4;
const MULTIPLY_ROUNDS = 1_000_000;
/** Multiply-adds of `multiplyAdd` per round. */
const MACS_PER_ROUND = 512;

/** `workerData` of a thread. On request it waits for the other threads, does the work, and reports the times. */
export interface CeilingTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Index, in 32-bit integers, of the counter of threads that have arrived, over all rounds. */
  readonly arrivedAt: number;
  readonly regionAt: number;
  readonly regionBytes: number;
  readonly readPasses: number;
  /** A page that stays in the L1 cache. */
  readonly panelAt: number;
  readonly multiplyRounds: number;
}

export interface CeilingRound {
  /** Number of streams to read, or `multiply`. */
  readonly kind: 2 | 8 | 'multiply';
  /** Counter value when all threads have arrived. */
  readonly arrivals: number;
}

/** ms since 1970. */
export type CeilingTimes = readonly [began: number, ended: number];

/** The best of several rounds with all threads doing the same at once; for reads, also the better number of streams. */
export async function measureCeilings(kernels: CompiledKernels, threads: number): Promise<MachineCeilings> {
  const bytes = FIRST + threads * (REGION_BYTES + PAGE);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE), maximum: 65536, shared: true });
  // Untouched pages all map to the same zero page.
  new Uint8Array(memory.buffer, FIRST).fill(1);
  const workers: Worker[] = [];
  try {
    for (let thread = 0; thread < threads; thread++) {
      const panelAt = FIRST + thread * (REGION_BYTES + PAGE);
      const task: CeilingTask = {
        ...{ memory, panelAt, regionAt: panelAt + PAGE, regionBytes: REGION_BYTES, readPasses: READ_PASSES },
        arrivedAt: ARRIVED,
        module: kernels.wide ?? kernels.module,
        multiplyRounds: MULTIPLY_ROUNDS,
      };
      workers.push(new Worker(new URL('./ceilings-thread.js', import.meta.url), { workerData: task }));
    }
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    let arrivals = 0;
    /** Rounds per second, from the first thread's start to the last one's end. */
    const best = async (kind: CeilingRound['kind']) => {
      let least = Infinity;
      for (let round = 0; round < ROUNDS; round++) {
        arrivals += threads;
        const answers = workers.map((worker) => once(worker, 'message') as Promise<[CeilingTimes]>);
        for (const worker of workers) worker.postMessage({ kind, arrivals } satisfies CeilingRound);
        const times = (await Promise.all(answers)).map(([time]) => time);
        const began = Math.min(...times.map(([began]) => began));
        const ended = Math.max(...times.map(([, ended]) => ended));
        least = Math.min(least, ended - began);
      }
      return 1000 / least;
    };
    return {
      threads,
      readBytesPerSecond: Math.max(await best(2), await best(8)) * threads * READ_PASSES * REGION_BYTES,
      multiplyAddsPerSecond: (await best('multiply')) * threads * MULTIPLY_ROUNDS * MACS_PER_ROUND,
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
