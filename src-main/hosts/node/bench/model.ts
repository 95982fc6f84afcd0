import type { ModelInfo } from '../../../engine/types.ts';
import type { BenchModel } from './bench-messages.ts';

export function describeModel(model: ModelInfo): BenchModel {
  const { name, fileBytes, vocabularySize, executor, loadMs, contextSize, kernels } = model;
  return {
    ...{ name, fileBytes, vocabularySize, executor, loadMs, contextSize },
    kernels: kernels?.variant ?? null,
    threads: kernels?.threads ?? 1,
    choices: kernels && { decodeThreads: kernels.decodeThreads, reason: kernels.reason, places: kernels.places },
    weightBytes: model.memoryBytes.weights,
    kvBytes: model.memoryBytes.kvCache,
  };
}
