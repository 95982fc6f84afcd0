import type { Executor, Outputs, RunResult } from '../executors/executor.ts';
import type { KvCache } from '../kv-cache/kv-cache.ts';
import type { CancelToken } from '../platform.ts';

/** The engine serves one request at a time, so one sequence is enough. */
const SEQUENCE = 0;

/** One sequence of tokens in an executor's K and V storage, kept between requests for the next to build on. */
export class ContextWindow {
  constructor(
    private readonly executor: Executor,
    private readonly cache: KvCache,
  ) {}

  /** Tokens whose K and V are stored. */
  get length(): number {
    return this.cache.length(SEQUENCE);
  }

  /**
   * Keeps what is common with the beginning of `ids` and forgets the rest. The last of `ids` is never kept: running
   * it gives the logits that follow it.
   * @returns tokens kept
   */
  reuse(ids: readonly number[]): number {
    return this.cache.reuse(SEQUENCE, ids.slice(0, -1));
  }

  clear(): void {
    this.cache.release(SEQUENCE);
  }

  /**
   * Appends `ids` and runs them. After a failure the window is as it was before.
   * @param outputs rows count from the first of `ids`
   * @throws EngineError CANCELLED when `cancel` was set during the run
   */
  async run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    const before = this.length;
    const { tokens, cells, positions, context } = this.cache.append(SEQUENCE, ids);
    try {
      const batch = { tokens, positions, cells, sequences: new Int32Array(ids.length), contexts: [context] };
      return await this.executor.run(batch, outputs, cancel);
    } catch (error) {
      this.cache.truncate(SEQUENCE, before);
      throw error;
    }
  }
}
