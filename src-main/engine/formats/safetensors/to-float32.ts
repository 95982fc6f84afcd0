import { BF16 } from '../../quant/bf16.ts';
import { F16 } from '../../quant/f16.ts';
import type { Dtype } from '../../tensor/dtype.ts';

/** Writes the elements in `bytes` (little-endian) to `target` from index `to`. */
type Convert = (bytes: Uint8Array, target: Float32Array, to: number) => void;

/** Dtypes that tensors can be read from. */
export const TO_FLOAT32: Partial<Record<Dtype, Convert>> = {
  // Every platform JavaScript runs on today is little-endian, as the format is: the bytes are the values.
  F32: (bytes, target, to) => new Uint8Array(target.buffer, target.byteOffset + 4 * to, bytes.length).set(bytes),
  F16: (bytes, target, to) => F16.dequantize(bytes, 0, target, to, bytes.length / 2),
  BF16: (bytes, target, to) => BF16.dequantize(bytes, 0, target, to, bytes.length / 2),
};
