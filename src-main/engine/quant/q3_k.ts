import type { BlockType } from './block-type.ts';
import { readF16 } from './float16.ts';

const VALUES = 256;
const BYTES = 110;

/** The sixteen 6-bit scales in 12 bytes: low nibbles in bytes 0..7, upper bit pairs in bytes 8..11. */
function scaleOf(source: Uint8Array, at: number, s: number): number {
  const low = s < 8 ? source[at + s] & 15 : source[at + s - 8] >> 4;
  const high = (source[at + 8 + (s & 3)] >> (2 * (s >> 2))) & 3;
  return (low | (high << 4)) - 32;
}

/**
 * `u8 hmask[32]; u8 qs[64]; u8 scales[12]; f16 d`. Sub-block s of 16 values: `d * (scale - 32) * (q - 4)`, q being the
 * bit pair of qs (laid out as in Q2_K) and, as third bit, bit i/32 of hmask[i % 32].
 */
export const Q3_K: BlockType = {
  name: 'Q3_K',
  id: 11,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at + 108);
      for (let s = 0; s < 16; s++) {
        const scale = d * scaleOf(source, at + 96, s);
        for (let i = 16 * s; i < 16 * s + 16; i++) {
          const low = (source[at + 32 + 32 * (i >> 7) + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3;
          const high = (source[at + (i & 31)] >> (i >> 5)) & 1;
          target[to + i] = scale * (low + 4 * high - 4);
        }
      }
    }
  },
};
