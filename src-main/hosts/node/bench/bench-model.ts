import type { ModelInfo } from '../../../engine/types.ts';
import type { BenchModel } from './bench-messages.ts';

export function benchModel(model: ModelInfo): BenchModel {
  const { name, fileBytes, vocabularySize, executor, loadMs, contextSize } = model;
  return {
    ...{ name, fileBytes, vocabularySize, executor, loadMs, contextSize },
    kernels: model.kernels?.variant ?? null,
    threads: model.kernels?.threads ?? 1,
    reason: model.kernels?.reason ?? null,
    weightBytes: model.memoryBytes.weights,
    kvBytes: model.memoryBytes.kvCache,
  };
}
