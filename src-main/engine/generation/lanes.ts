/** Generates several replies at once: their tokens share a batch, so each weight is read once for all of them. */
import { batchOf } from '../executors/batch.ts';
import type { Executor, Outputs, RunResult } from '../executors/executor.ts';
import type { KvCache, SequenceSlots } from '../kv-cache/kv-cache.ts';
import type { CancelToken } from '../api/platform.ts';
import type { GenerateEvent } from '../api/types.ts';
import type { ContextWindow, TokenWindow } from './context-window.ts';

/** A run that a lane requested. */
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
  /** Length of its sequence before the run. */
  readonly before: number;
}

/**
 * Gives each lane a separate window. A run waits until every unfinished lane has requested one; then all are one batch.
 * Lanes are the cache's sequences below 0, which `ContextWindow` does not use.
 */
export class Lanes {
  private readonly windows: LaneWindow[];
  private readonly live: Set<number>;
  private waiting: Waiting[] = [];

  /** @param begin common prefix of all prompts, which `main` holds */
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

  /** Finishes a lane: the others no longer wait for it, and its cells are released. */
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
    // Stopping one lane does not stop the others: it is notified after the run.
    const cancel = {
      get cancelled() {
        for (const { one } of parts) if (!one.cancel?.cancelled) return false;
        return true;
      },
    };
    try {
      const logits = parts.flatMap(({ one, firstRow }) => one.outputs.logits.map((row) => firstRow + row));
      // A lane requests its next run only after it is done with the results of this one.
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

  /** Allocates cells for each lane. A lane for which none are left fails separately. */
  private append(waiting: readonly Waiting[]): Part[] {
    const parts: Part[] = [];
    let firstRow = 0;
    for (const one of waiting) {
      const { sequence } = this.windows[one.lane];
      const before = this.cache.length(sequence);
      try {
        this.main.freeUpTo(one.ids.length);
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

/** Longest common prefix of several token lists. It excludes the last token of each, because that is always run. */
export function commonPrefix(prompts: readonly (readonly number[])[]): number[] {
  const [first = [], ...others] = prompts;
  let length = Math.max(0, Math.min(...prompts.map((ids) => ids.length - 1)));
  for (const ids of others) {
    let common = 0;
    while (common < length && ids[common] === first[common]) common++;
    length = common;
  }
  return first.slice(0, length);
}

/**
 * Runs all replies and yields their events as they come.
 * @param start begins a lane's reply
 * @param finished called when a lane's reply is complete
 * @param abandon makes all of them end soon, because the reader stopped
 */
export async function* together(
  lanes: number,
  start: (lane: number) => AsyncGenerator<GenerateEvent>,
  finished: (lane: number) => void,
  abandon: () => void,
): AsyncGenerator<{ lane: number; event: GenerateEvent }, void, undefined> {
  const events: { lane: number; event: GenerateEvent }[] = [];
  const failures: unknown[] = [];
  let running = lanes;
  let wake: () => void = () => undefined;
  const follow = async (lane: number) => {
    try {
      for await (const event of start(lane)) {
        events.push({ lane, event });
        wake();
      }
    } catch (error) {
      failures.push(error);
    } finally {
      running--;
      finished(lane);
      wake();
    }
  };
  const all = Promise.all(Array.from({ length: lanes }, (_, lane) => follow(lane)));
  try {
    while (running > 0 || events.length > 0) {
      if (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      yield* events.splice(0);
    }
  } finally {
    abandon();
    await all;
  }
  if (failures.length > 0) throw failures[0];
}
