import { EngineError } from '../api/errors.ts';
import type { CancelToken } from '../api/platform.ts';
import { type WeightDeclaration, weightBytes, type WeightStore } from '../program/weights.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { WeightSource } from './weight-source.ts';

/**
 * Reads the declared weights as float32. All are checked before the first is read.
 * @param onBytes called with the bytes of each slice read.
 * @throws EngineError MODEL_FORMAT for a missing tensor or a wrong shape, UNSUPPORTED_TENSOR_TYPE, MODEL_IO, CANCELLED.
 */
export async function loadWeights(
  source: WeightSource,
  declared: readonly WeightDeclaration[],
  onBytes: (bytes: number) => void,
  cancel?: CancelToken,
): Promise<WeightStore> {
  for (const { name, shape } of declared) source.check(name, shape);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of declared) {
    tensors.set(name, await source.readTensor(name, { shape, onBytes, cancel }));
  }
  return {
    bytes: weightBytes(declared),
    get(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw new EngineError('INTERNAL', `The program reads ${name} without declaring it.`);
      return tensor;
    },
  };
}
