/**
 * Messages between an engine and the thread with the GPU (`ExecutorClient` and `serveGpu`). Both are from the same build, so
 * messages have no versions. A typed array is copied with its whole buffer.
 */
import type { ErrorPayload } from '../../api/errors.ts';
import type { GpuAdapterInfo } from '../../api/gpu.ts';
import type { GpuAdapterFacts, KvCacheType, RunProfile } from '../../api/types.ts';
import type { Program } from '../../program/program.ts';
import type { NextChoice } from '../../sampling/next-choice.ts';
import type { TapTensor } from '../executor.ts';

export interface CreateParams {
  readonly program: Program;
  /** ggml's names of the types of the program's weights, in their order. */
  readonly types: readonly string[];
  readonly cells: number;
  readonly kvCacheType: KvCacheType | undefined;
}

export interface CreatedExecutor {
  readonly adapter: GpuAdapterFacts;
  readonly memoryBytes: { readonly weights: number; readonly kvCache: number; readonly scratch: number };
  readonly choosesTokens: boolean;
}

/** The entries of a context after the first `kept`, which are those of the last context with the same index. */
export interface ContextChange {
  readonly kept: number;
  readonly cells: Int32Array;
  readonly positions: Int32Array;
}

export interface RunParams {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly cells: Int32Array;
  readonly sequences: Int32Array;
  readonly contexts: readonly ContextChange[];
  /** Whether `cells` are those of the block. */
  readonly inBlock: boolean;
  readonly isChosen: boolean;
  readonly logits: readonly number[];
  readonly bestFirst: boolean;
  readonly choose: NextChoice | null;
  readonly profile: boolean;
  readonly taps: readonly string[];
  readonly program: Program | null;
  readonly given: ReadonlyMap<string, Float32Array>;
}

/** The best logits of a row, with the sum that gives their probabilities (`TopLogits`). */
export interface BestOfRow {
  readonly ids: Int32Array;
  readonly logits: Float32Array;
  readonly sum: number;
  /** Token that the run chose, if it chooses any. */
  readonly chosen: number | null;
}

/** Logits of a row: all, or the best. */
export type RowLogits = { readonly values: Float32Array } | BestOfRow;

export interface RunAnswer {
  /** Number of the run. */
  readonly run: number;
  readonly logits: readonly RowLogits[];
  readonly taps: ReadonlyMap<string, TapTensor>;
  /** Null if it was not measured. */
  readonly profile: RunProfile | null;
}

/** Calls of the engine. One executor per connection. */
export interface GpuCalls {
  /** The adapter; null if there is none. */
  adapter: { params: null; result: GpuAdapterInfo | null };
  /** Opens a device. */
  open: { params: null; result: GpuAdapterInfo };
  create: { params: CreateParams; result: CreatedExecutor };
  run: { params: RunParams; result: RunAnswer };
  /** All logits of a row of which the best were returned. Valid until the next run. */
  allLogits: { params: { readonly run: number; readonly row: number }; result: Float32Array };
  /** Cells for all layers, or for some. */
  allocateCells: {
    params: { readonly cells: number; readonly layers: readonly number[] | null };
    result: { readonly bytes: number };
  };
  copyCells: { params: { readonly cells: Int32Array }; result: null };
  releaseCells: { params: null; result: null };
  /** Answered at once, unless the thread hangs. */
  ping: { params: null; result: null };
}

export type GpuCallName = keyof GpuCalls;

export type GpuRequest =
  | { [N in GpuCallName]: { type: 'call'; id: number; name: N; params: GpuCalls[N]['params'] } }[GpuCallName]
  /** Ends a run between two slices, or the creation of the executor. */
  | { type: 'cancel'; id: number }
  /** Rows of a requested weight. Each message is answered with `taken`. */
  | { type: 'rows'; read: number; bytes: Uint8Array; firstRow: number; rows: number }
  /** The last rows were sent, or reading failed. */
  | { type: 'readEnd'; read: number; error: ErrorPayload | null };

export type GpuResponse =
  | { type: 'result'; id: number; result: unknown }
  | { type: 'error'; id: number; error: ErrorPayload }
  /** Requests the rows of the program's weight with this index. */
  | { type: 'read'; read: number; weight: number }
  /** Rows were uploaded. */
  | { type: 'taken' }
  /** All weights are uploaded, and shaders are compiled. */
  | { type: 'compile' };

/** The array, or a copy if it is only a part of its buffer. */
export function ownBuffer<T extends Int32Array | Float32Array | Uint8Array>(array: T): T {
  return array.byteLength === array.buffer.byteLength ? array : (array.slice() as T);
}
