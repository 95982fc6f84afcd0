import { planMemory } from '../program/memory-plan.ts';
import type { ExecutorName } from '../types.ts';
import { buildProgram } from './architectures/index.ts';
import type { Hyperparameters } from './hyperparameters.ts';

/** Bytes that a model needs while it is loaded. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly kvCache: number;
  readonly scratch: number;
  readonly total: number;
}

/**
 * What a model will occupy, known from its headers before any weight is read. The numbers are those that the executor
 * reports once it is loaded.
 * @param contextSize tokens of prompt and reply that the model is loaded for
 */
export function estimateMemory(
  hyper: Hyperparameters,
  contextSize: number,
  executor: ExecutorName = 'reference',
): MemoryEstimate {
  const { weights, kvCache, scratch } = ESTIMATES[executor](hyper, contextSize);
  return { weights, kvCache, scratch, total: weights + kvCache + scratch };
}

type Estimate = (hyper: Hyperparameters, contextSize: number) => Omit<MemoryEstimate, 'total'>;

const ESTIMATES: Readonly<Record<ExecutorName, Estimate>> = {
  // Weights dequantised to float32, K and V in float32, activations of a batch as long as the context.
  reference: (hyper, contextSize) =>
    planMemory(buildProgram(hyper, contextSize), { cells: contextSize, rows: contextSize }).bytes,
};
