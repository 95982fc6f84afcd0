import type { CancelToken } from '../api/platform.ts';
import type { WeightDeclaration, WeightReader } from '../program/weights.ts';
import { F32 } from '../quant/f32.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface ReadWeightOptions {
  /** The shape that the program declared. */
  readonly shape: Shape;
  /** Called with the bytes of each slice read from the file. */
  readonly onBytes?: (bytes: number) => void;
  /** Checked between slices. */
  readonly cancel?: CancelToken | undefined;
}

/** Weights in a file, under the names and in the layouts that the architecture's program declares. */
export interface WeightSource {
  /**
   * @throws EngineError MODEL_FORMAT when the tensor is missing or has another shape, UNSUPPORTED_TENSOR_TYPE when its
   *   type is not supported. Each names the file and the tensor.
   */
  check(name: string, shape: Shape): void;
  /**
   * Reads a tensor as float32, in slices.
   * @throws EngineError as `check`, and MODEL_IO, OUT_OF_MEMORY, CANCELLED
   */
  readTensor(name: string, options: ReadWeightOptions): Promise<Tensor>;
  /**
   * What to tell people about stored tensors that the program does not use; null if there are none. Absent if they are
   * refused when the model is opened.
   */
  unusedWarning?(declared: readonly WeightDeclaration[]): string | null;
  /** Reads stored tensors; absent if they are float32 anyway. */
  readonly stored?: WeightReader;
}

/** The stored weights, or float32 ones if the source has no others. */
export function readerOf(source: WeightSource): WeightReader {
  if (source.stored) return source.stored;
  return {
    typeOf: () => F32,
    async readRows({ name, shape }, { onRows, onBytes, cancel }) {
      const { data } = await source.readTensor(name, { shape, ...(onBytes ? { onBytes } : {}), cancel });
      await onRows(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 0, shape.length > 1 ? shape[0] : 1);
    },
  };
}
