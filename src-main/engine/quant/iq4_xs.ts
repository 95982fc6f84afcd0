import type { BlockType } from './block-type.ts';
import { readF16 } from './float16.ts';
import { IQ4_LEVELS } from './iq4_nl.ts';

const VALUES = 256;
const BYTES = 136;

/**
 * `f16 d; u16 scales_h; u8 scales_l[4]; u8 qs[128]`. Sub-block s of 32 values: `d * (scale - 32) * level[q]`; the scale's
 * low nibble is in scales_l, its upper bit pair in bits 2s of scales_h. Nibbles of 16 bytes as in Q4_0.
 */
export const IQ4_XS: BlockType = {
  name: 'IQ4_XS',
  id: 23,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      const upper = source[at + 2] | (source[at + 3] << 8);
      for (let s = 0; s < 8; s++) {
        const low = (source[at + 4 + (s >> 1)] >> (4 * (s & 1))) & 15;
        const scale = d * ((low | (((upper >> (2 * s)) & 3) << 4)) - 32);
        for (let j = 0; j < 16; j++) {
          const q = source[at + 8 + 16 * s + j];
          target[to + 32 * s + j] = scale * IQ4_LEVELS[q & 15];
          target[to + 32 * s + 16 + j] = scale * IQ4_LEVELS[q >> 4];
        }
      }
    }
  },
};
