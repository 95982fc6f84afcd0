/** Joins the runs of several replies: their tokens share a batch, so each weight is read once for all of them. */
import { EngineError } from '../api/errors.ts';
import { batchOf } from '../executors/batch.ts';
import type { CellBlock, Executor, Outputs, RunResult } from '../executors/executor.ts';
import { KvCache, type SequenceSlots } from '../kv-cache/kv-cache.ts';
import type { CancelToken } from '../api/platform.ts';
import type { TokenWindow } from './context-window.ts';

/** Cells that a lane needs beside those of the shared prefix. */
export interface LaneCells {
  /** Not shared with other lanes. */
  readonly own: number;
  /** Whether it uses the shared prefix until it ends. */
  readonly shares: boolean;
}

/** A run that a lane requested. */
interface Waiting {
  readonly lane: number;
  readonly ids: readonly number[];
  readonly outputs: Outputs;
  readonly cancel: CancelToken | undefined;
  resolve(result: RunResult): void;
  reject(error: unknown): void;
}

/** Rows of a batch for one lane, or for several with equal tokens so far and the same next ones. */
interface Part {
  /** The first is computed; the others then share its cells. */
  readonly lanes: Waiting[];
  readonly slots: SequenceSlots;
  /** Length of the sequence before the run. */
  readonly before: number;
}

export interface LanesOptions {
  executor: Executor;
  block: CellBlock;
  /** Common prefix of the lanes; its K and V are in the first cells of the block. */
  shared: readonly number[];
  lanes: readonly LaneCells[];
  /** Maximum rows of a batch, and of a lane's run. */
  maxRows: number;
}

/** Size in cells of the block for these lanes. */
export function cellsOf(shared: number, lanes: readonly LaneCells[]): number {
  return lanes.reduce((sum, { own }) => sum + own, Math.max(1, shared));
}

/** Sequence of the shared prefix. Those of the lanes are their numbers, from 0. */
const SHARED = -1;

/**
 * Gives each lane a separate window. A run waits until every unfinished lane has requested one; then all are one batch, or
 * several if they have too many rows.
 */
export class Lanes {
  private readonly cache: KvCache;
  private readonly windows: LaneWindow[];
  private readonly live: Set<number>;
  private waiting: Waiting[] = [];
  /** Why nothing can run any more; null while it can. */
  private lost: EngineError | null = null;
  /** Lanes that have left, until all others have left or ended. */
  private leaving: (() => void)[] = [];

  constructor(private readonly options: LanesOptions) {
    const { shared, lanes, block } = options;
    this.cache = new KvCache(block.cells);
    if (shared.length > 0) this.cache.append(SHARED, shared);
    let home = shared.length;
    this.windows = lanes.map(({ own, shares }, lane) => {
      const window = new LaneWindow(this, this.cache, lane, shares ? home - shared.length : home);
      home += own;
      return window;
    });
    this.live = new Set(this.windows.keys());
    for (const lane of this.live) this.cache.fork(SHARED, lane, shared.length);
  }

  window(lane: number): TokenWindow {
    return this.windows[lane];
  }

  /** Finishes a lane: the others no longer wait for it, and its cells are released. */
  finish(lane: number): void {
    this.live.delete(lane);
    this.cache.release(lane);
    this.runIfComplete();
    this.releaseLeaving();
  }

  /** The executor was lost: all runs fail. */
  lose(error: EngineError): void {
    this.lost ??= error;
    const waiting = this.waiting;
    this.waiting = [];
    for (const { reject } of waiting) reject(this.lost);
  }

  /**
   * A lane continues elsewhere, because the executor was lost. Resolves when no lane uses it any more; some may still draw
   * from its logits.
   */
  leave(lane: number, error: EngineError): Promise<void> {
    this.lose(error);
    this.live.delete(lane);
    return new Promise((resolve) => {
      this.leaving.push(resolve);
      this.releaseLeaving();
    });
  }

  private releaseLeaving(): void {
    if (this.live.size > 0) return;
    for (const resolve of this.leaving.splice(0)) resolve();
  }

  run(lane: number, ids: readonly number[], outputs: Outputs, cancel: CancelToken | undefined): Promise<RunResult> {
    if (this.lost !== null) return Promise.reject(this.lost);
    return new Promise((resolve, reject) => {
      this.waiting.push({ lane, ids, outputs, cancel, resolve, reject });
      this.runIfComplete();
    });
  }

  private runIfComplete(): void {
    if (this.waiting.length === 0 || this.waiting.length < this.live.size) return;
    const waiting = this.waiting.sort((a, b) => a.lane - b.lane);
    this.waiting = [];
    void this.runAll(this.batches(this.parts(waiting)));
  }

  /** Allocates cells for each lane. A lane for which none are left fails separately. */
  private parts(waiting: readonly Waiting[]): Part[] {
    const { cache } = this;
    // Group equal lanes before any of them gets more cells.
    const groups: Waiting[][] = [];
    for (const one of waiting) {
      const equal = groups.find(([first]) => cache.sharesAll(first.lane, one.lane) && sameIds(first.ids, one.ids));
      if (equal) equal.push(one);
      else groups.push([one]);
    }
    return groups.flatMap((lanes) => {
      const [{ lane, ids }] = lanes;
      const before = cache.length(lane);
      try {
        return [{ lanes, slots: cache.append(lane, ids, ids.length, this.windows[lane].cellAt(before)), before }];
      } catch (error) {
        for (const one of lanes) one.reject(error);
        return [];
      }
    });
  }

  private batches(parts: readonly Part[]): Part[][] {
    const batches: Part[][] = [];
    let rows = Infinity;
    for (const part of parts) {
      const { length } = part.slots.tokens;
      rows += length;
      if (rows <= this.options.maxRows) batches.at(-1)!.push(part);
      else {
        batches.push([part]);
        rows = length;
      }
    }
    return batches;
  }

  private async runAll(batches: readonly Part[][]): Promise<void> {
    for (const parts of batches) await this.runBatch(parts, batches.length === 1);
  }

  /** @param last whether the lanes are done with this batch's results before another runs */
  private async runBatch(parts: readonly Part[], last: boolean): Promise<void> {
    const { executor, block } = this.options;
    const all = parts.flatMap(({ lanes }) => lanes);
    // Stopping one lane does not stop the others: it is notified after the run.
    const cancel = {
      get cancelled() {
        for (const one of all) if (!one.cancel?.cancelled) return false;
        return true;
      },
    };
    try {
      const lend = last && all.every(({ outputs }) => outputs.lend);
      const batch = { ...batchOf(parts.map(({ slots }) => slots)), block };
      const bestFirst = all.every(({ outputs }) => outputs.bestFirst);
      const { logits, taps } = await executor.run(batch, { logits: wantedRows(parts), lend, bestFirst }, cancel);
      let from = 0;
      for (const { lanes } of parts) {
        const [{ lane: computed }] = lanes;
        for (const { lane, outputs, resolve } of lanes) {
          if (lane !== computed) this.cache.fork(computed, lane, this.cache.length(computed));
          const to = from + outputs.logits.length;
          resolve({ logits: logits.slice(from, to), taps });
          from = to;
        }
      }
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'INTERNAL' && parts.length > 1) {
        // Usually one lane has the fault, such as K or V that are NaN. Run separately, the others continue.
        for (const part of parts) await this.runBatch([part], false);
        return;
      }
      for (const { lanes, before } of parts) {
        this.cache.truncate(lanes[0].lane, before);
        for (const one of lanes) one.reject(error);
      }
      if (error.code === 'BACKEND_LOST') this.lose(error);
    }
  }
}

/** Batch rows whose logits the lanes requested, in the lanes' order. */
function wantedRows(parts: readonly Part[]): number[] {
  let firstRow = 0;
  return parts.flatMap(({ lanes, slots }) => {
    const rows = lanes.flatMap(({ outputs }) => outputs.logits.map((row) => firstRow + row));
    firstRow += slots.tokens.length;
    return rows;
  });
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

class LaneWindow implements TokenWindow {
  /** @param home cell of the token at position 0, if it were not shared: consecutive tokens get consecutive cells */
  constructor(
    private readonly lanes: Lanes,
    private readonly cache: KvCache,
    private readonly lane: number,
    private readonly home: number,
  ) {}

  get length(): number {
    return this.cache.length(this.lane);
  }

  cellAt(position: number): number {
    return this.home + position;
  }

  reuse(ids: readonly number[]): number {
    return this.cache.reuse(this.lane, ids, Math.max(0, ids.length - 1));
  }

  fresh(): void {
    this.clear();
  }

  clear(): void {
    this.cache.release(this.lane);
  }

  truncate(length: number): void {
    this.cache.truncate(this.lane, length);
  }

  run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    return this.lanes.run(this.lane, ids, outputs, cancel);
  }
}
