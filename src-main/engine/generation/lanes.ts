/** Joins the runs of several replies: their tokens go through the model in one batch, so weights are read once for all. */
import { batchOf } from '../executors/batch.ts';
import type { Executor, Outputs, RunResult } from '../executors/executor.ts';
import type { KvCache, SequenceSlots } from '../kv-cache/kv-cache.ts';
import type { CancelToken } from '../api/platform.ts';
import type { ContextWindow, TokenWindow } from './context-window.ts';

/** A run that a lane waits for. */
interface Waiting {
  readonly lane: number;
  readonly ids: readonly number[];
  readonly outputs: Outputs;
  readonly cancel: CancelToken | undefined;
  resolve(result: RunResult): void;
  reject(error: unknown): void;
}

/** A lane's part of a batch. */
interface Part {
  readonly one: Waiting;
  readonly slots: SequenceSlots;
  readonly firstRow: number;
  /** Tokens that its sequence held before. */
  readonly before: number;
}

/**
 * Gives each lane a window of its own. A run waits until every lane that is not over wants one; then all are one batch.
 * Lanes are sequences of the cache below 0, which `ContextWindow` does not use.
 */
export class Lanes {
  private readonly windows: LaneWindow[];
  private readonly live: Set<number>;
  private waiting: Waiting[] = [];

  /** @param begin tokens that all prompts begin with, which `main` holds */
  constructor(
    private readonly executor: Executor,
    private readonly cache: KvCache,
    private readonly main: ContextWindow,
    count: number,
    begin: number,
  ) {
    this.windows = Array.from({ length: count }, (_, lane) => new LaneWindow(this, cache, lane));
    this.live = new Set(this.windows.keys());
    for (const { sequence } of this.windows) main.share(sequence, begin);
  }

  window(lane: number): TokenWindow {
    return this.windows[lane];
  }

  /** A lane is over: the others no longer wait for it, and its cells are free. */
  finish(lane: number): void {
    this.live.delete(lane);
    this.cache.release(this.windows[lane].sequence);
    this.runIfComplete();
  }

  run(lane: number, ids: readonly number[], outputs: Outputs, cancel: CancelToken | undefined): Promise<RunResult> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ lane, ids, outputs, cancel, resolve, reject });
      this.runIfComplete();
    });
  }

  private runIfComplete(): void {
    if (this.waiting.length === 0 || this.waiting.length < this.live.size) return;
    const waiting = this.waiting.sort((a, b) => a.lane - b.lane);
    this.waiting = [];
    void this.runTogether(waiting);
  }

  private async runTogether(waiting: readonly Waiting[]): Promise<void> {
    const parts = this.append(waiting);
    if (parts.length === 0) return;
    // One lane that is stopped does not stop the others: it learns of that after the run.
    const cancel = {
      get cancelled() {
        for (const { one } of parts) if (!one.cancel?.cancelled) return false;
        return true;
      },
    };
    try {
      const logits = parts.flatMap(({ one, firstRow }) => one.outputs.logits.map((row) => firstRow + row));
      // No lane asks for the next run before it has done with what it was given by this one.
      const lend = parts.every(({ one }) => one.outputs.lend);
      const result = await this.executor.run(batchOf(parts.map(({ slots }) => slots)), { logits, lend }, cancel);
      let from = 0;
      for (const { one } of parts) {
        const to = from + one.outputs.logits.length;
        one.resolve({ logits: result.logits.slice(from, to), taps: result.taps });
        from = to;
      }
    } catch (error) {
      for (const { one, before } of parts) {
        this.cache.truncate(this.windows[one.lane].sequence, before);
        one.reject(error);
      }
    }
  }

  /** Gives each its cells. A lane for which none are left fails alone. */
  private append(waiting: readonly Waiting[]): Part[] {
    const parts: Part[] = [];
    let firstRow = 0;
    for (const one of waiting) {
      const { sequence } = this.windows[one.lane];
      const before = this.cache.length(sequence);
      try {
        this.main.makeRoom(one.ids.length);
        parts.push({ one, slots: this.cache.append(sequence, one.ids), firstRow, before });
        firstRow += one.ids.length;
      } catch (error) {
        one.reject(error);
      }
    }
    return parts;
  }
}

class LaneWindow implements TokenWindow {
  readonly sequence: number;

  constructor(
    private readonly lanes: Lanes,
    private readonly cache: KvCache,
    private readonly lane: number,
  ) {
    this.sequence = -1 - lane;
  }

  get length(): number {
    return this.cache.length(this.sequence);
  }

  reuse(ids: readonly number[]): number {
    return this.cache.reuse(this.sequence, ids, Math.max(0, ids.length - 1));
  }

  fresh(): void {
    this.clear();
  }

  clear(): void {
    this.cache.release(this.sequence);
  }

  run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    return this.lanes.run(this.lane, ids, outputs, cancel);
  }
}
