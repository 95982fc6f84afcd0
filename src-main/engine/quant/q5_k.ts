import type { BlockType } from './block-type.ts';
import { readF16 } from './float16.ts';
import { minimumOf, scaleOf } from './k-scales.ts';

const VALUES = 256;
const BYTES = 176;

/** `f16 d, dmin; u8 scales[12]; u8 qh[32]; u8 qs[128]`: Q4_K with a fifth bit: bit s of qh[i] for value i of sub-block s. */
export const Q5_K: BlockType = {
  name: 'Q5_K',
  id: 13,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      const dmin = readF16(source, at + 2);
      for (let s = 0; s < 8; s++) {
        const scale = d * scaleOf(source, at + 4, s);
        const minimum = dmin * minimumOf(source, at + 4, s);
        const codes = at + 48 + 32 * (s >> 1);
        const shift = 4 * (s & 1);
        for (let i = 0; i < 32; i++) {
          const q = ((source[codes + i] >> shift) & 15) + 16 * ((source[at + 16 + i] >> s) & 1);
          target[to + 32 * s + i] = scale * q - minimum;
        }
      }
    }
  },
};
