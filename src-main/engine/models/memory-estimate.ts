import { planMemory } from '../program/memory-plan.ts';
import type { Program } from '../program/program.ts';
import type { WeightReader } from '../program/weights.ts';
import type { OpenedModel } from './opened-model.ts';
import { readerOf } from './weight-source.ts';

/** Bytes that a model needs while it is loaded. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly kvCache: number;
  readonly scratch: number;
  readonly total: number;
}

/** How an executor lays a program out for a context: bytes of each kind. */
export type MemoryPlanner = (
  program: Program,
  contextSize: number,
  weights: Pick<WeightReader, 'typeOf'>,
) => Omit<MemoryEstimate, 'total'>;

/** The reference executor: everything in float32, activations of a batch as long as the context. */
export const referenceMemory: MemoryPlanner = (program, contextSize) =>
  planMemory(program, { cells: contextSize, rows: contextSize }).bytes;

/**
 * What a model will occupy, known from its headers before any weight is read. The numbers are those that the executor
 * reports once it is loaded.
 * @param contextSize tokens of prompt and reply that the model is loaded for
 */
export function estimateMemory(
  model: Pick<OpenedModel, 'buildProgram' | 'weights'>,
  contextSize: number,
  planner: MemoryPlanner = referenceMemory,
): MemoryEstimate {
  const { weights, kvCache, scratch } = planner(model.buildProgram(contextSize), contextSize, readerOf(model.weights));
  return { weights, kvCache, scratch, total: weights + kvCache + scratch };
}
