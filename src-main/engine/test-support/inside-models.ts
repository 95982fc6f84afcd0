/** Models of every architecture on both executors, for tests of what is inside them. */
import { batchOf } from '../executors/batch.ts';
import type { Executor, Outputs, RunResult } from '../executors/executor.ts';
import { createReferenceExecutor } from '../executors/reference/reference-executor.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { openModel } from '../models/open-model.ts';
import type { Model } from '../models/model.ts';
import { gpuInFullRun, sharedDevice } from './gpu.ts';
import { openGpuModel } from './gpu-model.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from './model-files.ts';
import { TINY_MODELS, tinyGgufFiles } from './tiny-gguf.ts';
import { openWasmModel } from './wasm-model.ts';

export const CONTEXT = 64;
export const BUILT_IN = 'TinyTransformer';
/** One model with float32 weights per row: all architectures. */
export const ALL_MODELS: readonly string[] = [BUILT_IN, ...TINY_MODELS];

export async function filesOf(name: string): ReturnType<typeof nodeModelFiles> {
  return name === BUILT_IN ? nodeModelFiles(TINY_TRANSFORMER_DIR) : tinyGgufFiles(name);
}

/** A model whose weights can be read, with its reference executor. */
export async function referenceModel(name: string): Promise<{ model: Model; executor: Executor }> {
  const model = await openModel(await filesOf(name), { contextSize: CONTEXT });
  return { model, executor: createReferenceExecutor(model.program, model.weights, { cells: CONTEXT }) };
}

export async function wasmModel(name: string): Promise<{ model: Model; executor: Executor }> {
  return openWasmModel(await filesOf(name), { contextSize: CONTEXT });
}

/** On the shared device. Null but in the full run, and without an adapter. */
export async function gpuModels(): Promise<((name: string) => Promise<{ model: Model; executor: Executor }>) | null> {
  const gpu = await gpuInFullRun();
  if (!gpu) return null;
  const device = await sharedDevice(gpu);
  // The reference stores K and V in float32.
  return async (name) => openGpuModel(await filesOf(name), device, { contextSize: CONTEXT, kvCacheType: 'f32' });
}

/** Some ids of a vocabulary, each different. */
export function someIds({ config: { vocabularySize } }: Model, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 37 + 11) % vocabularySize);
}

/** Runs a whole prompt at once. */
export function runWhole(executor: Executor, ids: readonly number[], outputs: Outputs): Promise<RunResult> {
  return executor.run(batchOf([new KvCache(CONTEXT).append(0, ids)]), outputs);
}

/** The logits of the last token. */
export async function lastLogits(
  executor: Executor,
  ids: readonly number[],
  outputs: Partial<Outputs> = {},
): Promise<Float32Array> {
  const { logits } = await runWhole(executor, ids, { ...outputs, logits: [ids.length - 1] });
  return logits[0].read();
}

/** sum((found - expected)^2) / sum(expected^2) */
export function normalisedError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += (found[i] - expected[i]) ** 2;
    size += expected[i] ** 2;
  }
  return Number.isNaN(error) || found.length !== expected.length ? Infinity : error / (size || 1);
}
