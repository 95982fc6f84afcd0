import type { Op } from './ops.ts';
import type { WeightDeclaration } from './weights.ts';

/** An activation: `[tokens, width]`, one row per token of the batch. */
export interface Activation {
  readonly width: number;
  /** Names under which a run can give it back (see `taps.ts`). */
  readonly taps: readonly string[];
}

/**
 * A model's forward pass: a flat list of operations, run from first to last. Made with `ProgramBuilder`, which has
 * checked every shape. An executor needs nothing else about an architecture.
 */
export interface Program {
  readonly ops: readonly Op[];
  /** What `Op.inputs` and `Op.output` index. */
  readonly tensors: readonly Activation[];
  /** The tensors the model's file must have, each once. */
  readonly weights: readonly WeightDeclaration[];
  /** Width of one cell's K, and of its V, per layer: kvHeads * headDim. */
  readonly kvWidths: readonly number[];
  readonly vocabularySize: number;
  /** Positions run from 0 to below this; null when the architecture sets no end. */
  readonly maxPositions: number | null;
  /** Names of everything a run can give back. */
  readonly taps: ReadonlySet<string>;
}
