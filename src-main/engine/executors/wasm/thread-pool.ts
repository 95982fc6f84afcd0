import { EngineError } from '../../api/errors.ts';
import type { CancelToken, CompiledKernels, KernelThreads } from '../../api/platform.ts';
import type { KernelInstance } from './kernels.ts';
import {
  POOL_BUDGET,
  POOL_BYTES,
  POOL_CALLS,
  POOL_FAILED,
  POOL_PROGRESS_LINES,
  POOL_RUNS,
  POOL_STOP,
  POOL_THREADS,
  POOL_WAITS,
} from './plan-layout.ts';

/**
 * Consecutive sleeps of 200 ms (3 s) without progress after which threads count as lost. A chunk takes less than a
 * millisecond, unless its weights must first be read from disk because the system swapped them out.
 */
const BUDGET = 15;
/** Bytes that even a slow disk (8 MB/s) reads in one sleep. */
const SLOWEST_BYTES = 1_600_000;
const LINE_BYTES = 64;

/**
 * The threads of one executor, which live as long as its memories. Each memory has the state of its own runs. In the first
 * one the threads wait until they are called.
 */
export class ThreadPool {
  private readonly running: { stop(): Promise<void> }[] = [];
  /** Addresses of the state that the kernels share, by memory. */
  private readonly at: readonly number[];

  private constructor(private readonly instances: readonly KernelInstance[]) {
    this.at = instances.map(({ memory }) => memory.allocate(POOL_BYTES, 'threads'));
  }

  /**
   * @param threads in total, including the caller's; 1 starts none
   * @param cancel checked before each start
   * @throws EngineError BACKEND_LOST when one does not start, CANCELLED; the others are then stopped
   */
  static async start(
    compiled: Pick<CompiledKernels, 'module' | 'shared'>,
    instances: readonly KernelInstance[],
    host: KernelThreads | undefined,
    threads: number,
    cancel?: CancelToken,
  ): Promise<ThreadPool> {
    const pool = new ThreadPool(instances);
    pool.expect(0);
    const wanted = compiled.shared && host ? threads : 1;
    const parts = instances.map(({ memory: { memory } }, part) => {
      return { memory, pool: pool.at[part], failed: pool.at[part] + POOL_FAILED };
    });
    try {
      for (let thread = 1; thread < wanted; thread++) {
        if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
        const task = { module: compiled.module, parts, thread };
        pool.running.push(await host!.start(task, () => pool.fail()));
      }
    } catch (error) {
      await pool.stop();
      throw error;
    }
    return pool;
  }

  /** Including the caller's thread. */
  get threads(): number {
    return this.running.length + 1;
  }

  /**
   * Sets how many threads compute the next run in a memory, including the caller's.
   * @returns the address of the memory's pool
   */
  use(part: number, threads: number): number {
    this.set(part, POOL_THREADS, threads);
    return this.at[part];
  }

  /** Calls the threads for a run that begins in a memory. */
  call(part: number, threads: number): void {
    this.instances[0].kernels.callThreads(this.at[0], part, threads);
  }

  /** Whether a thread has crashed; every run then fails. */
  get failed(): boolean {
    return this.instances.some(({ memory }, part) => Atomics.load(memory.i32, (this.at[part] + POOL_FAILED) / 4) !== 0);
  }

  /** How often threads have waited in vain at a barrier, and slept. */
  get waits(): number {
    let waits = 0;
    this.instances.forEach(({ memory: { i32 } }, part) => {
      for (let thread = 0; thread < Math.min(this.threads, POOL_PROGRESS_LINES); thread++) {
        waits += i32[(this.at[part] + POOL_WAITS + thread * LINE_BYTES) / 4];
      }
    });
    return waits;
  }

  /** Makes every run in every memory fail. */
  private fail(): void {
    this.setAll(POOL_FAILED, 1);
  }

  /** @param bytes that a thread reads at most between checks of the others */
  expect(bytes: number): void {
    this.setAll(POOL_BUDGET, BUDGET + Math.ceil(bytes / SLOWEST_BYTES));
  }

  /** A thread has crashed: makes the others, and later runs, fail too. */
  lost(cause?: unknown): EngineError {
    this.fail();
    return new EngineError('BACKEND_LOST', 'A CPU kernel thread crashed. Load the model again.', {}, { cause });
  }

  async stop(): Promise<void> {
    this.setAll(POOL_STOP, 1);
    if (this.running.length > 0) {
      const { i32 } = this.instances[0].memory;
      for (const field of [POOL_RUNS, POOL_CALLS]) {
        Atomics.add(i32, (this.at[0] + field) / 4, 1);
        Atomics.notify(i32, (this.at[0] + field) / 4);
      }
    }
    await Promise.all(this.running.splice(0).map((thread) => thread.stop()));
  }

  private setAll(field: number, value: number): void {
    for (let part = 0; part < this.at.length; part++) this.set(part, field, value);
  }

  private set(part: number, field: number, value: number): void {
    Atomics.store(this.instances[part].memory.i32, (this.at[part] + field) / 4, value);
  }
}
