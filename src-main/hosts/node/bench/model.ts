import type { ModelInfo } from '../../../engine/api/types.ts';
import type { BenchModel } from './bench-messages.ts';

export function describeModel(model: ModelInfo): BenchModel {
  const { name, fileBytes, vocabularySize, executor, loadMs, contextSize, kernels, adapter } = model;
  return {
    ...{ name, fileBytes, vocabularySize, executor, loadMs, contextSize },
    kernels: kernels?.variant ?? null,
    threads: kernels?.threads ?? 1,
    choices: kernels && { decodeThreads: kernels.decodeThreads, reason: kernels.reason, streams: kernels.streams },
    ...(adapter && { adapter }),
    weightBytes: model.memoryBytes.weights,
    kvBytes: model.memoryBytes.kvCache,
  };
}
