import type { Op } from './ops.ts';
import type { WeightDeclaration } from './weights.ts';

/** An activation: `[tokens, width]`, one row per token of the batch. */
export interface Activation {
  readonly width: number;
  /** Names under which a run can return it (see `taps.ts`). */
  readonly taps: readonly string[];
}

/**
 * A model's forward pass: a flat list of operations, run in order. `ProgramBuilder` makes it and checks every shape. An
 * executor needs to know nothing else about an architecture.
 */
export interface Program {
  readonly ops: readonly Op[];
  /** Indexed by `Op.inputs` and `Op.output`. */
  readonly tensors: readonly Activation[];
  /** The tensors that the model's file must have, each once. */
  readonly weights: readonly WeightDeclaration[];
  /** Width of one cell's K, and of its V, per layer: kvHeads * headDim. */
  readonly kvWidths: readonly number[];
  readonly vocabularySize: number;
  /** Positions are below this; null when the architecture sets no limit. */
  readonly maxPositions: number | null;
  /** Names of all activations that a run can return. */
  readonly taps: ReadonlySet<string>;
}
