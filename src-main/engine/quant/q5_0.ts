import type { BlockType } from './block-type.ts';
import { readF16 } from './float16.ts';

const VALUES = 32;
const BYTES = 22;

/** `f16 d; u32 qh; u8 qs[16]`: value j is `(q - 16) * d`; nibbles as in Q4_0, bit j of qh is the fifth bit. */
export const Q5_0: BlockType = {
  name: 'Q5_0',
  id: 6,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      for (let j = 0; j < 16; j++) {
        const q = source[at + 6 + j];
        const lowBit = (source[at + 2 + (j >> 3)] >> (j & 7)) & 1;
        const highBit = (source[at + 4 + (j >> 3)] >> (j & 7)) & 1;
        target[to + j] = ((q & 15) + 16 * lowBit - 16) * d;
        target[to + 16 + j] = ((q >> 4) + 16 * highBit - 16) * d;
      }
    }
  },
};
