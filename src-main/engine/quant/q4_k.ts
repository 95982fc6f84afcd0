import type { BlockType } from './block-type.ts';
import { readF16, writeF16, F16_TO_F32, toF16Bits } from './float16.ts';
import { minimumOf, packScales, scaleOf } from './k-scales.ts';
import { fitScaleAndMinimum } from './k-fit.ts';

const VALUES = 256;
const BYTES = 144;

/**
 * `f16 d, dmin; u8 scales[12]; u8 qs[128]`. Sub-block s of 32 values: `d * scale[s] * q - dmin * minimum[s]`. Each 32
 * bytes of qs hold two sub-blocks: low nibbles the even, high nibbles the odd one.
 */
export const Q4_K: BlockType = {
  name: 'Q4_K',
  id: 12,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      const dmin = readF16(source, at + 2);
      for (let s = 0; s < 8; s++) {
        const scale = d * scaleOf(source, at + 4, s);
        const minimum = dmin * minimumOf(source, at + 4, s);
        const codes = at + 16 + 32 * (s >> 1);
        const shift = 4 * (s & 1);
        for (let i = 0; i < 32; i++) target[to + 32 * s + i] = scale * ((source[codes + i] >> shift) & 15) - minimum;
      }
    }
  },
  quantize(source, from, target, to, blocks) {
    const scales = new Float64Array(8);
    const minimums = new Float64Array(8);
    const scaleCodes = new Uint8Array(8);
    const minimumCodes = new Uint8Array(8);
    for (let b = 0; b < blocks; b++, from += VALUES, to += BYTES) {
      for (let s = 0; s < 8; s++) {
        const fit = fitScaleAndMinimum(source, from + 32 * s, 32, 15);
        scales[s] = fit.scale;
        minimums[s] = fit.minimum;
      }
      const largestScale = Math.max(...scales);
      const largestMinimum = Math.max(...minimums);
      for (let s = 0; s < 8; s++) {
        scaleCodes[s] = largestScale > 0 ? Math.min(63, Math.round((63 / largestScale) * scales[s])) : 0;
        minimumCodes[s] = largestMinimum > 0 ? Math.min(63, Math.round((63 / largestMinimum) * minimums[s])) : 0;
      }
      writeF16(target, to, largestScale / 63);
      writeF16(target, to + 2, largestMinimum / 63);
      packScales(scaleCodes, minimumCodes, target, to + 4);
      // Codes are chosen for what a reader will compute, with the rounded scales.
      const d = F16_TO_F32[toF16Bits(largestScale / 63)];
      const dmin = F16_TO_F32[toF16Bits(largestMinimum / 63)];
      target.fill(0, to + 16, to + BYTES);
      for (let s = 0; s < 8; s++) {
        const scale = d * scaleCodes[s];
        const minimum = dmin * minimumCodes[s];
        const codes = to + 16 + 32 * (s >> 1);
        const shift = 4 * (s & 1);
        for (let i = 0; i < 32; i++) {
          const q = scale ? Math.round((source[from + 32 * s + i] + minimum) / scale) : 0;
          target[codes + i] |= Math.max(0, Math.min(15, q)) << shift;
        }
      }
    }
  },
};
