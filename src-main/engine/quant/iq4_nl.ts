import type { BlockType } from './block-type.ts';
import { readF16 } from './float16.ts';

const VALUES = 32;
const BYTES = 18;

/** The sixteen levels of IQ4_NL and IQ4_XS, denser around zero, like the weights. */
export const IQ4_LEVELS = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** `f16 d; u8 qs[16]`: value j is `d * level[q]`, nibbles as in Q4_0. */
export const IQ4_NL: BlockType = {
  name: 'IQ4_NL',
  id: 20,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      for (let j = 0; j < 16; j++) {
        const q = source[at + 2 + j];
        target[to + j] = d * IQ4_LEVELS[q & 15];
        target[to + 16 + j] = d * IQ4_LEVELS[q >> 4];
      }
    }
  },
};
