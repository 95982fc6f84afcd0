import { EngineError } from '../../api/errors.ts';
import type { CancelToken, CompiledKernels, KernelThreads } from '../../api/platform.ts';
import type { KernelMemory } from './kernel-memory.ts';
import {
  POOL_BYTES,
  POOL_CALLS,
  POOL_FAILED,
  POOL_PATIENCE,
  POOL_RUNS,
  POOL_STOP,
  POOL_THREADS,
} from './plan-layout.ts';

/**
 * Consecutive sleeps of 200 ms (3 s) without progress after which threads count as lost. A chunk takes less than a
 * millisecond, unless its weights must first be read from disk because the system swapped them out.
 */
const PATIENCE = 15;
/** Bytes that even a slow disk (8 MB/s) reads in one sleep. */
const SLOWEST_BYTES = 1_600_000;

/** The threads of one executor, which live as long as its memory. */
export class ThreadPool {
  private readonly running: { stop(): Promise<void> }[] = [];

  private constructor(
    private readonly memory: KernelMemory,
    /** Address of the state that the kernels share. */
    readonly at: number,
  ) {}

  /**
   * @param threads in total, including the caller's; 1 starts none
   * @param cancel checked before each start
   * @throws EngineError BACKEND_LOST when one does not start, CANCELLED; the others are then stopped
   */
  static async start(
    kernels: Pick<CompiledKernels, 'module' | 'shared'>,
    memory: KernelMemory,
    host: KernelThreads | undefined,
    threads: number,
    cancel?: CancelToken,
  ): Promise<ThreadPool> {
    const pool = new ThreadPool(memory, memory.allocate(POOL_BYTES, 'threads'));
    pool.expect(0);
    const wanted = kernels.shared && host ? threads : 1;
    try {
      for (let thread = 1; thread < wanted; thread++) {
        if (cancel?.cancelled) throw new EngineError('CANCELLED', 'Loading was cancelled.');
        const { module } = kernels;
        const task = { module, memory: memory.memory, pool: pool.at, failed: pool.at + POOL_FAILED, thread };
        pool.running.push(await host!.start(task, () => pool.set(POOL_FAILED, 1)));
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

  /** Sets how many threads compute the next run, including the caller's. */
  use(threads: number): void {
    this.set(POOL_THREADS, threads);
  }

  /** Whether a thread has crashed; every run then fails. */
  get failed(): boolean {
    return Atomics.load(this.memory.i32, (this.at + POOL_FAILED) / 4) !== 0;
  }

  /** @param bytes that a thread reads at most between checks of the others */
  expect(bytes: number): void {
    this.set(POOL_PATIENCE, PATIENCE + Math.ceil(bytes / SLOWEST_BYTES));
  }

  lost(): EngineError {
    return new EngineError('BACKEND_LOST', 'A CPU kernel thread crashed. Load the model again.');
  }

  async stop(): Promise<void> {
    this.set(POOL_STOP, 1);
    if (this.running.length > 0) {
      const { i32 } = this.memory;
      for (const field of [POOL_RUNS, POOL_CALLS]) {
        Atomics.add(i32, (this.at + field) / 4, 1);
        Atomics.notify(i32, (this.at + field) / 4);
      }
    }
    await Promise.all(this.running.splice(0).map((thread) => thread.stop()));
  }

  private set(field: number, value: number): void {
    Atomics.store(this.memory.i32, (this.at + field) / 4, value);
  }
}
