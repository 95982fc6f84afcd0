import type { Executor } from '../executors/executor.ts';
import { createWasmExecutor, type WasmExecutorOptions } from '../executors/wasm/wasm-executor.ts';
import type { Model } from '../models/model.ts';
import { openModel } from '../models/open-model.ts';
import type { ModelFiles } from '../api/platform.ts';
import { testKernels } from './kernels.ts';

/** Loads a model directly into the wasm executor, as the engine does. */
export async function openWasmModel(
  files: ModelFiles,
  { contextSize, ...options }: { contextSize?: number } & Partial<Omit<WasmExecutorOptions, 'cells'>> = {},
): Promise<{ model: Model; executor: Executor }> {
  let executor: Executor | null = null;
  const model = await openModel(files, {
    ...(contextSize === undefined ? {} : { contextSize }),
    takeWeights: async (program, weights, { contextSize: cells, onBytes, cancel }) => {
      const created = await createWasmExecutor(program, weights, {
        ...{ kernels: testKernels(), onBytes, cancel },
        ...options,
        cells,
      });
      executor = created;
      return {
        bytes: created.memoryBytes.weights,
        get(name) {
          throw new Error(`${name} is in the kernels' memory.`);
        },
      };
    },
  });
  return { model, executor: executor! };
}
