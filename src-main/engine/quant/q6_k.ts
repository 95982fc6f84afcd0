import type { BlockType } from './block-type.ts';
import { F16_TO_F32, readF16, toF16Bits, writeF16 } from './float16.ts';
import { fitSymmetricScale } from './k-fit.ts';

const VALUES = 256;
const BYTES = 210;
const SCALES = 192;

/**
 * `u8 ql[128]; u8 qh[64]; i8 scales[16]; f16 d`. Sub-block of 16 values: `d * scale * (q - 32)`. Of each half of 128
 * values, group g of 32: the low nibble of q is in ql[32 * (g % 2) + l], lower nibbles for g < 2, upper ones above; the
 * upper bit pair in bits 2g of qh[l].
 */
export const Q6_K: BlockType = {
  name: 'Q6_K',
  id: 14,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at + 208);
      for (let i = 0; i < VALUES; i++) {
        const half = i >> 7;
        const group = (i >> 5) & 3;
        const l = i & 31;
        const low = (source[at + 64 * half + 32 * (group & 1) + l] >> (group & 2 ? 4 : 0)) & 15;
        const high = (source[at + 128 + 32 * half + l] >> (2 * group)) & 3;
        const scale = (source[at + SCALES + (i >> 4)] << 24) >> 24;
        target[to + i] = d * scale * ((low | (high << 4)) - 32);
      }
    }
  },
  quantize(source, from, target, to, blocks) {
    const scales = new Float64Array(16);
    for (let b = 0; b < blocks; b++, from += VALUES, to += BYTES) {
      let extreme = 0;
      for (let s = 0; s < 16; s++) {
        scales[s] = fitSymmetricScale(source, from + 16 * s, 16, 32);
        if (Math.abs(scales[s]) > Math.abs(extreme)) extreme = scales[s];
      }
      target.fill(0, to, to + BYTES);
      if (extreme === 0) continue;
      const inverse = -128 / extreme;
      writeF16(target, to + 208, 1 / inverse);
      const d = F16_TO_F32[toF16Bits(1 / inverse)];
      for (let i = 0; i < VALUES; i++) {
        const code = Math.min(127, Math.round(inverse * scales[i >> 4]));
        target[to + SCALES + (i >> 4)] = code;
        const scale = d * code;
        const q = scale ? Math.max(0, Math.min(63, Math.round(source[from + i] / scale) + 32)) : 32;
        const half = i >> 7;
        const group = (i >> 5) & 3;
        target[to + 64 * half + 32 * (group & 1) + (i & 31)] |= (q & 15) << (group & 2 ? 4 : 0);
        target[to + 128 + 32 * half + (i & 31)] |= (q >> 4) << (2 * group);
      }
    }
  },
};
