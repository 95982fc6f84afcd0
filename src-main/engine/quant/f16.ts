import type { BlockType } from './block-type.ts';
import { readF16, writeF16 } from './float16.ts';

/** binary16, little-endian. */
export const F16: BlockType = {
  name: 'F16',
  id: 1,
  blockSize: 1,
  blockBytes: 2,
  dequantize(source, at, target, to, blocks) {
    for (let i = 0; i < blocks; i++) target[to + i] = readF16(source, at + 2 * i);
  },
  quantize(source, from, target, to, blocks) {
    for (let i = 0; i < blocks; i++) writeF16(target, to + 2 * i, source[from + i]);
  },
};
