import type { KvCacheType } from '../api/types.ts';
import type { ModelFiles } from '../api/platform.ts';
import type { Executor } from '../executors/executor.ts';
import type { OpenedDevice } from '../executors/webgpu/device.ts';
import { createWebGpuExecutor } from '../executors/webgpu/webgpu-executor.ts';
import type { Model } from '../models/model.ts';
import { openModel } from '../models/open-model.ts';

/** Loads a model directly into the webgpu executor, as the engine does. */
export async function openGpuModel(
  files: ModelFiles,
  device: OpenedDevice,
  options: {
    contextSize?: number;
    kvCacheType?: KvCacheType;
    topLogits?: number;
    sliceCells?: number;
    hangMs?: number;
  } = {},
): Promise<{ model: Model; executor: Executor }> {
  const { kvCacheType, topLogits, sliceCells, hangMs, ...modelOptions } = options;
  let executor: Executor | null = null;
  const model = await openModel(files, {
    ...modelOptions,
    takeWeights: async (program, weights, { contextSize: cells, onBytes, cancel }) => {
      const settings = { device, cells, kvCacheType, topLogits, sliceCells, hangMs, onBytes, cancel };
      const created = await createWebGpuExecutor(program, weights, settings);
      executor = created;
      return {
        bytes: created.memoryBytes.weights,
        get(name) {
          throw new Error(`${name} is on the GPU.`);
        },
      };
    },
  });
  return { model, executor: executor! };
}
