import type { BlockType } from './block-type.ts';
import { readF16 } from './float16.ts';

const VALUES = 256;
const BYTES = 84;

/**
 * `u8 scales[16]; u8 qs[64]; f16 d, dmin`. Sub-block s of 16 values: `q * d * (scales[s] & 15) - dmin * (scales[s] >> 4)`.
 * Of each half of 128 values, the 32 bytes of qs hold the four groups of 32 in their bit pairs.
 */
export const Q2_K: BlockType = {
  name: 'Q2_K',
  id: 10,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at + 80);
      const dmin = readF16(source, at + 82);
      for (let i = 0; i < VALUES; i++) {
        const half = i >> 7;
        const shift = 2 * ((i >> 5) & 3);
        const scale = source[at + (i >> 4)];
        const q = (source[at + 16 + 32 * half + (i & 31)] >> shift) & 3;
        target[to + i] = d * (scale & 15) * q - dmin * (scale >> 4);
      }
    }
  },
};
