/**
 * One storage type of ggml: rows are cut into blocks of `blockSize` values, each stored in `blockBytes` bytes. Names,
 * ids and layouts are ggml's (ggml-common.h), so that a GGUF file's tensors can be read as they lie.
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
   * Reads `blocks` blocks that begin at byte `at` of `source` into `target` from index `to`. The values have the bits
   * that ggml's own dequantiser gives.
   */
  dequantize(source: Uint8Array, at: number, target: Float32Array, to: number, blocks: number): void;
  /** The reverse, for the types that `tokenscope quantize` writes. */
  quantize?(source: Float32Array, from: number, target: Uint8Array, to: number, blocks: number): void;
}

/** Bytes of a row of `values` values; the caller has checked that it is whole blocks. */
export function rowBytes(type: BlockType, values: number): number {
  return (values / type.blockSize) * type.blockBytes;
}
