import type { Executor, Outputs, RunResult } from '../executors/executor.ts';
import type { KvCache } from '../kv-cache/kv-cache.ts';
import type { CancelToken } from '../api/platform.ts';

/** A sequence of tokens whose K and V are stored: what a reply is written into. */
export interface TokenWindow {
  /** Tokens that it holds. */
  readonly length: number;
  /**
   * Goes on from the longest beginning of `ids` that is stored anywhere. The last of `ids` is never taken from there:
   * running it gives the logits that follow it.
   * @returns tokens that need not be computed
   */
  reuse(ids: readonly number[]): number;
  /** Begins with nothing; what was held may still be found by `reuse` later. */
  fresh(): void;
  /** Forgets what it holds. */
  clear(): void;
  /**
   * Appends `ids` and runs them. After a failure the window is as it was before.
   * @param outputs rows count from the first of `ids`
   * @throws EngineError CANCELLED when `cancel` was set during the run
   */
  run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult>;
}

/** Sequences that are kept beside the one in use. */
const MAX_KEPT = 16;
/** Tokens that are rather computed again than kept as a sequence of their own. */
const SHORT = 64;

/**
 * The window of the request that is being served, and what earlier ones left behind: chats, versions of a reply, scored
 * texts. They share cells where they begin alike, and the one that was used longest ago makes room.
 */
export class ContextWindow implements TokenWindow {
  private sequence = 0;
  private last = 0;
  /** The one used longest ago first. */
  private kept: number[] = [];
  /** Tokens that the window will hold when the prompt has been read; 0: nobody said. */
  private expected = 0;

  constructor(
    private readonly executor: Pick<Executor, 'run'>,
    private readonly cache: KvCache,
  ) {}

  get length(): number {
    return this.cache.length(this.sequence);
  }

  reuse(ids: readonly number[]): number {
    const taken = this.takeUpBest(ids);
    this.expected = ids.length;
    return taken;
  }

  private takeUpBest(ids: readonly number[]): number {
    const wanted = Math.max(0, ids.length - 1);
    let common = this.cache.common(this.sequence, ids, wanted);
    if (common === wanted || this.kept.length === 0) return this.takeUp(this.sequence, common);
    let best = this.sequence;
    for (const sequence of this.kept) {
      const found = this.cache.common(sequence, ids, wanted);
      // Those used later come later: of equals the newest, but none rather than the one in use.
      if (found > common || (found === common && best !== this.sequence)) [best, common] = [sequence, found];
    }
    return this.takeUp(best, common);
  }

  fresh(): void {
    this.expected = 0;
    this.keep(this.sequence);
    this.sequence = ++this.last;
  }

  clear(): void {
    this.expected = 0;
    this.cache.release(this.sequence);
  }

  async run(ids: readonly number[], outputs: Outputs, cancel?: CancelToken): Promise<RunResult> {
    const before = this.length;
    // Room for all of the prompt at once, so that its cells lie in order.
    const expected = Math.max(ids.length, this.expected - before);
    this.makeRoom(expected);
    const { tokens, cells, positions, context } = this.cache.append(this.sequence, ids, expected);
    try {
      const batch = { tokens, positions, cells, sequences: new Int32Array(ids.length), contexts: [context] };
      return await this.executor.run(batch, outputs, cancel);
    } catch (error) {
      this.cache.truncate(this.sequence, before);
      throw error;
    }
  }

  /** Cells of the first `length` tokens that the window holds. */
  cells(length: number): Int32Array {
    return this.cache.cells(this.sequence, length);
  }

  /** Lets go of kept sequences until `cells` are free or none is left. */
  private makeRoom(cells: number): void {
    while (this.cache.free < cells && this.kept.length > 0) this.cache.release(this.kept.shift()!);
  }

  /** Makes the first `length` tokens of a sequence the window. */
  private takeUp(sequence: number, length: number): number {
    const rest = this.cache.length(sequence) - length;
    if (length === 0) {
      if (this.length > SHORT) this.fresh();
      else this.clear();
    } else if (rest > SHORT) {
      // The one to be forked last: keeping a sequence may release the oldest.
      this.kept = this.kept.filter((other) => other !== sequence);
      if (sequence !== this.sequence) this.keep(this.sequence);
      this.keep(sequence);
      const branch = ++this.last;
      this.cache.fork(sequence, branch, length);
      this.sequence = branch;
    } else {
      if (sequence !== this.sequence) {
        this.kept = this.kept.filter((other) => other !== sequence);
        this.keep(this.sequence);
        this.sequence = sequence;
      }
      this.cache.truncate(sequence, length);
    }
    return length;
  }

  /** Puts a sequence to the kept ones as the newest, and releases the oldest beyond `MAX_KEPT`. */
  private keep(sequence: number): void {
    if (this.cache.length(sequence) > 0) this.kept.push(sequence);
    while (this.kept.length > MAX_KEPT) this.cache.release(this.kept.shift()!);
  }
}
