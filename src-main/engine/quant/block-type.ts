/**
 * A storage type of ggml: rows are split into blocks of `blockSize` values, each stored in `blockBytes` bytes. Names, ids
 * and layouts are ggml's (ggml-common.h), so that tensors of a GGUF file are read unchanged.
 */
export interface BlockType {
  /** ggml's name, for example `Q4_K`. */
  readonly name: string;
  /** `enum ggml_type`. */
  readonly id: number;
  /** Values per block. */
  readonly blockSize: number;
  /** Bytes per block. */
  readonly blockBytes: number;
  /**
   * Dequantises `blocks` blocks from byte `at` of `source` into `target` from index `to`. The values are bit-identical to
   * those of ggml's dequantiser.
   */
  dequantize(source: Uint8Array, at: number, target: Float32Array, to: number, blocks: number): void;
  /** Quantises, for the types that `tokenscope quantize` writes. */
  quantize?(source: Float32Array, from: number, target: Uint8Array, to: number, blocks: number): void;
}

/** Bytes of a row of `values` values, which must be whole blocks. */
export function rowBytes(type: BlockType, values: number): number {
  return (values / type.blockSize) * type.blockBytes;
}
