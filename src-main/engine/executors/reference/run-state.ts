import type { WeightView } from '../../program/weights.ts';
import type { Batch } from '../executor.ts';

/** State of one run for its operations. */
export interface RunState {
  readonly batch: Batch;
  /** Batch rows whose logits are returned. */
  readonly logitRows: readonly number[];
  /** Names of tapped tensors. */
  readonly taps: ReadonlySet<string>;
  /** Activation `[tokens, width]` by its index in the program. */
  activation(id: number): Float32Array;
  /** Rows given to the run: `[tokens, width]`. */
  given(name: string): Float32Array;
  weight(view: WeightView): Float32Array;
  /** K storage of a layer: `[cells, kvWidth]`. */
  keys(layer: number): Float32Array;
  /** V storage of a layer: `[cells, kvWidth]`. */
  values(layer: number): Float32Array;
  /** Records a tapped tensor. */
  keep(name: string, shape: readonly number[], data: Float32Array): void;
  /** Records the logits: `[logitRows, vocabulary]`. */
  setLogits(data: Float32Array): void;
  /** @throws EngineError CANCELLED when the run was cancelled. Called often. */
  poll(): void;
}
