import type { BlockType } from './block-type.ts';

/** binary32, little-endian. The offset in a file need not be a multiple of 4, so bytes are copied. */
export const F32: BlockType = {
  name: 'F32',
  id: 0,
  blockSize: 1,
  blockBytes: 4,
  dequantize(source, at, target, to, blocks) {
    new Uint8Array(target.buffer, target.byteOffset + 4 * to, 4 * blocks).set(source.subarray(at, at + 4 * blocks));
  },
  quantize(source, from, target, to, blocks) {
    target.set(new Uint8Array(source.buffer, source.byteOffset + 4 * from, 4 * blocks), to);
  },
};
