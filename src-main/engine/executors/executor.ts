import type { SequenceContext } from '../kv-cache/kv-cache.ts';
import type { CancelToken } from '../api/platform.ts';
import type { Program } from '../program/program.ts';
import type { Logits } from '../sampling/logits.ts';
import type { NextChoice } from '../sampling/next-choice.ts';
import type { ExecutorName, GpuAdapterFacts, KernelsInfo, RunProfile } from '../api/types.ts';

export type { SequenceContext } from '../kv-cache/kv-cache.ts';

/**
 * Maximum rows that are computed at once: enough to reuse each loaded weight, few enough for the caches and to be cancelled
 * soon.
 */
export const MAX_ROWS = 256;

/** Runs that may be in flight at once (`Executor.choosesTokens`): that whose logits are awaited, and those after it. */
export const MOST_IN_FLIGHT = 3;

/**
 * Tokens to run in one call, as parallel arrays `[tokens]`. Prefill (many tokens of one sequence) and decoding lanes (one
 * token of each of N sequences) use the same call.
 */
export interface Batch {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  /** Cell of the KV storage for each token's K and V. */
  readonly cells: Int32Array;
  /** Per token: index into `contexts` of what it attends to, up to and including its own position. */
  readonly sequences: Int32Array;
  /** Per sequence in this batch: its cells ordered by position, including those of this batch. */
  readonly contexts: readonly SequenceContext[];
  /** Block that `cells` refers to; by default the executor's own cells. */
  readonly block?: CellBlock;
  /** Whether its only token is the one that the previous run chose (`Outputs.choose`), instead of that of `tokens`. */
  readonly isChosen?: boolean;
}

/** Temporary KV cells beside an executor's own, for lanes. */
export interface CellBlock {
  readonly cells: number;
  /** Bytes of K and V. */
  readonly bytes: number;
  /** Copies K and V from these of the executor's own cells to the first cells of the block, in the given order. */
  copy(cells: Int32Array): void;
  /** Frees the memory. Later batches must not use the block. */
  release(): void;
}

/** K and V of an executor's own cells as bytes, which an executor of the same kind with the same model understands. */
export interface CellAccess {
  readonly bytesPerCell: number;
  /** A copy of K and V of these cells, in the given order. */
  read(cells: Int32Array): Uint8Array<ArrayBuffer>;
  /** Makes these bytes K and V of as many cells. */
  write(cells: Int32Array, bytes: Uint8Array): void;
}

/** What a run should return. */
export interface Outputs {
  /** Batch rows whose logits are returned. */
  readonly logits: readonly number[];
  /**
   * Whether logits are read before the executor runs again, so that they need not be copied. Later their handles may fail
   * with INTERNAL.
   */
  readonly lend?: boolean;
  /**
   * Whether the best logits are probably enough. If reading all of them takes long, `TopLogits` are lent. Only with
   * `lend`.
   */
  readonly bestFirst?: boolean;
  /**
   * How to choose a token for a run that follows (`Batch.isChosen`). Only with `bestFirst` and one row, if the executor
   * has `choosesTokens`.
   */
  readonly choose?: NextChoice;
  /** Names of tensors to return (see `program/taps.ts`). If there are any, a tapped plan runs. */
  readonly taps?: readonly string[];
  /**
   * The program to run instead of the executor's own: a variant with the same weights and layers (`program/`), compiled for
   * this run.
   */
  readonly program?: Program;
  /** By name: `[tokens, width]` of each `input` operation of that program. */
  readonly given?: ReadonlyMap<string, Float32Array>;
  /**
   * Whether to time the operations. The `reference` executor cannot, nor any executor in a tapped plan.
   * BAD_REQUEST on a GPU without timestamp queries.
   */
  readonly profile?: boolean;
}

/** Logits of one row, where they were computed; read on demand only. */
export interface LogitsHandle {
  /** `[vocabulary]`, raw float32. */
  read(): Promise<Float32Array>;
  /** Without a copy, with the queries that a reply makes. Read-only. */
  lend(): Promise<Logits>;
  /** Token that the run chose after this row, with `Outputs.choose`. */
  readonly chosen?: number;
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
  /** Absent when it was not measured. */
  readonly profile?: RunProfile;
}

/** Runs one model's `Program` over batches; owns the weights and the K and V storage. */
export interface Executor {
  readonly name: ExecutorName;
  /** Null for an executor without kernels. */
  readonly kernels: KernelsInfo | null;
  /** Of an executor on a GPU only. */
  readonly adapter?: GpuAdapterFacts;
  /** Allocated memory in bytes. */
  readonly memoryBytes: { readonly weights: number; readonly kvCache: number; readonly scratch: number };
  /** Tokens computed since it was created: batch rows of all runs, also of those that failed. */
  readonly computedTokens: number;
  /** Null if K and V are out of reach. */
  readonly cellAccess: CellAccess | null;
  /** Whether every further run fails with BACKEND_LOST, so that a new executor is needed. */
  readonly failed: boolean;
  /**
   * Whether runs can choose the next token, so that others may be started before their logits are read, up to
   * `MOST_IN_FLIGHT`. Their order is that of the calls.
   */
  readonly choosesTokens?: boolean;
  /**
   * @throws EngineError CANCELLED when `cancel` was set during the run: K and V of the batch's cells are then
   * undefined, and the caller releases those cells.
   */
  run(batch: Batch, outputs: Outputs, cancel?: CancelToken): Promise<RunResult>;
  /**
   * Allocates more cells, counted in `memoryBytes` until they are released. One block at a time.
   * @param layers that will be computed with the block: others may have no memory in it. By default all
   * @throws EngineError OUT_OF_MEMORY with the numbers
   */
  allocateCells(cells: number, layers?: ReadonlySet<number>): Promise<CellBlock>;
  dispose(): Promise<void>;
}
