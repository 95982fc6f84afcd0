import type { Program } from '../../program/program.ts';
import type { WeightStore } from '../../program/weights.ts';
import { EngineError } from '../../errors.ts';
import type { Executor } from '../executor.ts';

export interface ReferenceExecutorOptions {
  /** Cells of K and V storage: tokens of all sequences together. */
  readonly cells: number;
}

/** The plain TypeScript executor: float32 storage, one function per operation. */
export function createReferenceExecutor(
  program: Program,
  weights: WeightStore,
  options: ReferenceExecutorOptions,
): Executor {
  throw new EngineError('INTERNAL', `${program.ops.length} ${weights.bytes} ${options.cells}`);
}
