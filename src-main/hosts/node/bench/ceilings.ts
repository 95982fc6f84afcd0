/** What this machine can do at most, with the same compilers as the kernels: reading memory, multiplying. */
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import type { CompiledKernels } from '../../../engine/api/platform.ts';
import type { MachineCeilings } from './bench-messages.ts';

/**
 * Read by each thread: what a small model's weights take, so that as much of it stays in the caches that a server's
 * processors share. Its eighths lie no power of two apart, which caches would put in one place.
 */
const REGION_BYTES = 96 * 2 ** 20 - 8 * 69_632;
/** Where threads count who has arrived: see `CeilingTask`. */
const ARRIVED = 0;
const FIRST = 65536;
const PAGE = 65536;
const ROUNDS = 5;
/** Passes of a round: some ten milliseconds, so that threads that did not begin at once still do most of it together. */
const READ_PASSES = 4;
const MULTIPLY_ROUNDS = 1_000_000;
/** What `multiplyAdd` multiplies and adds in a round. */
const MACS_PER_ROUND = 512;

/** `workerData` of a thread. Told what to do, it waits for the other threads, does it, and answers when. */
export interface CeilingTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Index in 32-bit numbers of the count of threads that have arrived at a round, of all rounds together. */
  readonly arrivedAt: number;
  readonly regionAt: number;
  readonly regionBytes: number;
  readonly readPasses: number;
  /** A page that stays in the first cache. */
  readonly panelAt: number;
  readonly multiplyRounds: number;
}

export interface CeilingRound {
  /** Places to read from in turns, or `multiply`. */
  readonly kind: 2 | 8 | 'multiply';
  /** Arrivals once all threads are there. */
  readonly arrivals: number;
}

/** ms since 1970. */
export type CeilingTimes = readonly [began: number, ended: number];

/** The best of several rounds with all threads doing the same at once; for reads, also the better number of streams. */
export async function measureCeilings(kernels: CompiledKernels, threads: number): Promise<MachineCeilings> {
  const bytes = FIRST + threads * (REGION_BYTES + PAGE);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE), maximum: 65536, shared: true });
  // Pages that nobody wrote to are all the same one.
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
    /** Rounds per second, from when the first thread began until the last had ended. */
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
