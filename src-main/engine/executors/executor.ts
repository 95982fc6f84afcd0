import type { SequenceContext } from '../kv-cache/sequence-context.ts';
import type { CancelToken } from '../api/platform.ts';
import type { Logits } from '../sampling/logits.ts';
import type { ExecutorName, KernelsInfo, RunProfile } from '../api/types.ts';

export type { SequenceContext } from '../kv-cache/sequence-context.ts';

/**
 * Tokens to run in one call, as parallel arrays `[tokens]`. Prefill (many tokens of one sequence) and decoding lanes
 * (one token in each of N sequences) are the same call.
 */
export interface Batch {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  /** Cell of the KV storage each token's K and V are written to. */
  readonly cells: Int32Array;
  /**
   * Per token: which entry of `contexts` it attends to, up to and including its own position.
   */
  readonly sequences: Int32Array;
  /** Per sequence in this batch: its cells ordered by position, those of this batch included. */
  readonly contexts: readonly SequenceContext[];
  /** Whose cells are meant; left out, the executor's own. */
  readonly block?: CellBlock;
}

/** KV cells beside an executor's own, for a while: those of lanes. */
export interface CellBlock {
  readonly cells: number;
  /** Bytes of K and V. */
  readonly bytes: number;
  /** Copies K and V of these of the executor's own cells to the first of the block, in the given order. */
  copy(cells: Int32Array): void;
  /** Frees the memory. No batch may use the block any more. */
  release(): void;
}

/** What a run should give back. */
export interface Outputs {
  /** Batch rows whose logits are wanted. */
  readonly logits: readonly number[];
  /**
   * The logits are read before the executor runs again, so that they need not be copied. Their handles may fail after
   * that with INTERNAL.
   */
  readonly lend?: boolean;
  /** Names of tensors to give back (see `program/taps.ts`). Their presence selects a tapped plan. */
  readonly taps?: readonly string[];
  /** Whether to measure the operations. Only the `wasm` executor does, and not in a tapped plan. */
  readonly profile?: boolean;
}

/** Logits of one row, computed where they are and never sent unasked. */
export interface LogitsHandle {
  /** `[vocabulary]`, raw float32. */
  read(): Promise<Float32Array>;
  /** At hand, with what a reply asks of all of them; not to be changed. */
  lend(): Promise<Logits>;
}

export interface TapTensor {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

export interface RunResult {
  /** In the order of `Outputs.logits`. */
  readonly logits: readonly LogitsHandle[];
  readonly taps: ReadonlyMap<string, TapTensor>;
  /** Left out when it was not measured. */
  readonly profile?: RunProfile;
}

/** Runs one model's `Program` over batches; owns the weights and the K and V storage. */
export interface Executor {
  readonly name: ExecutorName;
  /** Null where there are none. */
  readonly kernels: KernelsInfo | null;
  /** Bytes held. */
  readonly memoryBytes: { readonly weights: number; readonly kvCache: number; readonly scratch: number };
  /** Every further run fails with BACKEND_LOST: only another executor can go on. */
  readonly failed: boolean;
  /**
   * @throws EngineError CANCELLED when `cancel` was set during the run: K and V of the batch's cells are then
   * undefined, and the caller releases those cells.
   */
  run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult>;
  /**
   * Gives further cells, counted in `memoryBytes` until they are released. One block at a time.
   * @throws EngineError OUT_OF_MEMORY with the numbers
   */
  allocateCells(cells: number): CellBlock;
  dispose(): Promise<void>;
}
