import type { TypedValue } from '../formats/gguf/writer.ts';
import type { CancelToken } from '../api/platform.ts';
import type { BlockType } from '../quant/block-type.ts';
import type { Shape } from '../tensor/shape.ts';

/** Values per slice, in whole rows: small enough for smooth progress and prompt cancelling. */
export const SLICE_VALUES = 2 ** 20;

/** One tensor of the file to be written, with GGUF's name and layout. */
export interface InputTensor {
  readonly name: string;
  readonly shape: Shape;
  /** Its stored type, when `copy` can give its blocks. */
  readonly storedAs: BlockType | null;
  /** Its values as float32, in slices of whole rows. */
  slices(cancel?: CancelToken): AsyncIterable<Float32Array>;
  /** Its stored blocks. */
  copy(cancel?: CancelToken): AsyncIterable<Uint8Array>;
}

/** A model to be written in another type. */
export interface QuantizeInput {
  /** Metadata of the file to be written, without the keys for its type. */
  readonly metadata: ReadonlyMap<string, TypedValue>;
  readonly tensors: readonly InputTensor[];
  /** What GGUF cannot express about the model. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}
