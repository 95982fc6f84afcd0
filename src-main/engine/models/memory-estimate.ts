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

/** Fitted to what processes measurably take: src-main/hosts/node/memory-estimate.integration.test.ts. Bytes. */
const OF_ANY_MODEL = 400_000;
/** An instance of the kernels, with its tables. */
const OF_KERNELS = 600_000;
/** A thread of the kernels has a JavaScript machine of its own, though it runs ten lines of it. */
const OF_A_THREAD = 8_500_000;
/** Its bytes, its place in the tables, and its merges. */
const OF_A_TOKEN = 400;

/**
 * Bytes that a loaded model takes beside its tensors: the tokenizer, the program, the kernels and their threads.
 * @param threads that the kernels compute on, the engine's own included; null: no kernels, the reference executor
 */
export function engineOverhead(vocabularySize: number, threads: number | null): number {
  const kernels = threads === null ? 0 : OF_KERNELS + OF_A_THREAD * (threads - 1);
  return OF_ANY_MODEL + OF_A_TOKEN * vocabularySize + kernels;
}
