/** Converts stored tensors of Hugging Face folders to GGUF's layouts. */
import type { BlockType } from '../../quant/block-type.ts';

/**
 * Moves rows j and j + half of each head to 2j and 2j + 1.
 * @param source whole heads
 * @param target as long; must not be `source`
 * @param rowBytes bytes of a row, or of one value of a vector
 * @param headDim rows of a head
 */
export function interleave(source: Uint8Array, target: Uint8Array, rowBytes: number, headDim: number): void {
  const half = headDim / 2;
  for (let row = 0; row * rowBytes < source.length; row++) {
    const within = row % headDim;
    const to = row - within + 2 * (within % half) + (within < half ? 0 : 1);
    target.set(source.subarray(row * rowBytes, (row + 1) * rowBytes), to * rowBytes);
  }
}

/** The values + 1 as float32, for Gemma's norms. */
export function plusOne(source: Uint8Array, type: BlockType): Uint8Array {
  const values = new Float32Array(source.length / type.blockBytes);
  type.dequantize(source, 0, values, 0, values.length);
  // A Float32Array rounds the sum like float32 arithmetic.
  for (let i = 0; i < values.length; i++) values[i] += 1;
  return new Uint8Array(values.buffer);
}

/** Values as integers of the same size: moving them as floats might change the bits of a NaN. */
export type Words = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export function wordsOf(blockBytes: number, count: number): Words {
  return blockBytes === 2 ? new Uint16Array(count) : new Uint32Array(count);
}

/**
 * Writes whole rows of `[rows, columns]` to `[columns, rows]`.
 * @param source a slice of rows
 * @param target the whole tensor, with values of the same size as in `source`
 * @param rows of the whole tensor
 * @param firstRow index of the first row of `source`
 */
export function transposeRows(source: Uint8Array, target: Words, rows: number, firstRow: number): void {
  const words = readWords(source, target.BYTES_PER_ELEMENT);
  const columns = target.length / rows;
  const count = words.length / columns;
  // Column by column, so that writes, which span more memory than reads, are sequential.
  for (let column = 0; column < columns; column++) {
    const to = column * rows + firstRow;
    for (let row = 0; row < count; row++) target[to + row] = words[row * columns + column];
  }
}

function readWords(bytes: Uint8Array, blockBytes: number): Uint16Array | Uint32Array {
  // Typed arrays must be aligned to their element size; bytes in a larger buffer need not be.
  const { buffer, byteOffset, length } = bytes.byteOffset % blockBytes === 0 ? bytes : bytes.slice();
  return blockBytes === 2
    ? new Uint16Array(buffer, byteOffset, length / 2)
    : new Uint32Array(buffer, byteOffset, length / 4);
}
