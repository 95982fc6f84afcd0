import type { TypedValue } from '../formats/gguf/writer.ts';
import type { CancelToken } from '../api/platform.ts';
import type { BlockType } from '../quant/block-type.ts';
import type { Shape } from '../tensor/shape.ts';

/** Values handed on at a time, whole rows: so that progress shows and cancelling is heard. */
export const SLICE_VALUES = 2 ** 20;

/** One tensor of the file to be written, under GGUF's name and in its layout. */
export interface InputTensor {
  readonly name: string;
  readonly shape: Shape;
  /** Type it is stored in, when `copy` can give its blocks. */
  readonly storedAs: BlockType | null;
  /** Its values as float32 in slices of whole rows. */
  slices(cancel?: CancelToken): AsyncIterable<Float32Array>;
  /** Its blocks as they are stored. */
  copy(cancel?: CancelToken): AsyncIterable<Uint8Array>;
}

/** A model that is about to be written in another type. */
export interface QuantizeInput {
  /** Metadata of the file to be written, but for the keys that tell its type. */
  readonly metadata: ReadonlyMap<string, TypedValue>;
  readonly tensors: readonly InputTensor[];
  /** What GGUF cannot say about the model. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}
