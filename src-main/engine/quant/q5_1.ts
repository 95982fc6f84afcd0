import type { BlockType } from './block-type.ts';
import { readF16 } from './float16.ts';

const VALUES = 32;
const BYTES = 24;

/** `f16 d, m; u32 qh; u8 qs[16]`: value j is `q * d + m`; nibbles as in Q4_0, bit j of qh is the fifth bit. */
export const Q5_1: BlockType = {
  name: 'Q5_1',
  id: 7,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      const m = readF16(source, at + 2);
      for (let j = 0; j < 16; j++) {
        const q = source[at + 8 + j];
        const lowBit = (source[at + 4 + (j >> 3)] >> (j & 7)) & 1;
        const highBit = (source[at + 6 + (j >> 3)] >> (j & 7)) & 1;
        target[to + j] = ((q & 15) + 16 * lowBit) * d + m;
        target[to + 16 + j] = ((q >> 4) + 16 * highBit) * d + m;
      }
    }
  },
};
