import type { BlockType } from './block-type.ts';
import { bf16ToF32 } from './float16.ts';

/** bfloat16, little-endian: the upper 16 bits of a binary32. */
export const BF16: BlockType = {
  name: 'BF16',
  id: 30,
  blockSize: 1,
  blockBytes: 2,
  dequantize(source, at, target, to, blocks) {
    for (let i = 0; i < blocks; i++) target[to + i] = bf16ToF32(source[at + 2 * i] | (source[at + 2 * i + 1] << 8));
  },
};
