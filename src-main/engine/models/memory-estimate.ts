import { planMemory } from '../program/memory-plan.ts';
import type { Program } from '../program/program.ts';
import type { WeightReader } from '../program/weights.ts';
import type { OpenedModel } from './opened-model.ts';
import { readerOf } from './weight-source.ts';

/** Bytes that a model needs while it is loaded, by kind. */
export interface PlannedMemory {
  readonly weights: number;
  readonly kvCache: number;
  readonly scratch: number;
}

/** Computes an executor's memory for a program and a context. */
export type MemoryPlanner<Memory extends PlannedMemory = PlannedMemory> = (
  program: Program,
  contextSize: number,
  weights: Pick<WeightReader, 'typeOf'>,
) => Memory;

/** The reference executor's memory: everything in float32, activations for a batch as long as the context. */
export const referenceMemory: MemoryPlanner = (program, contextSize) =>
  planMemory(program, { cells: contextSize, rows: contextSize }).bytes;

/**
 * Estimates a model's memory from its headers, before any weight is read. The executor reports the same numbers once it
 * is loaded.
 * @param contextSize tokens of prompt and reply that the model is loaded for
 */
export function estimateMemory<Memory extends PlannedMemory>(
  model: Pick<OpenedModel, 'buildProgram' | 'weights'>,
  contextSize: number,
  planner: MemoryPlanner<Memory>,
): Memory & { readonly total: number } {
  const planned = planner(model.buildProgram(contextSize), contextSize, readerOf(model.weights));
  return { ...planned, total: planned.weights + planned.kvCache + planned.scratch };
}

/** In bytes, fitted to measured processes: src-main/hosts/node/memory-estimate.integration.test.ts. */
const OF_ANY_MODEL = 400_000;
/** An instance of the kernels, with its tables. */
const OF_KERNELS = 600_000;
/** Each kernel thread has its own JavaScript engine, though it runs only ten lines. */
const OF_A_THREAD = 8_500_000;
/** A token's bytes, table entries and merges. */
const OF_A_TOKEN = 400;

/**
 * Bytes that a loaded model needs beside its tensors: tokenizer, program, kernels and their threads.
 * @param threads of the kernels, including the engine's own; null for the reference executor, which has no kernels
 */
export function engineOverhead(vocabularySize: number, threads: number | null): number {
  const kernels = threads === null ? 0 : OF_KERNELS + OF_A_THREAD * (threads - 1);
  return OF_ANY_MODEL + OF_A_TOKEN * vocabularySize + kernels;
}
