import type { BlockType } from './block-type.ts';
import { readF16, writeF16 } from './float16.ts';

const VALUES = 32;
const BYTES = 20;

/** `f16 d, m; u8 qs[16]`: value j is `q * d + m`, nibbles as in Q4_0. */
export const Q4_1: BlockType = {
  name: 'Q4_1',
  id: 3,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      const m = readF16(source, at + 2);
      for (let j = 0; j < 16; j++) {
        const q = source[at + 4 + j];
        target[to + j] = (q & 15) * d + m;
        target[to + 16 + j] = (q >> 4) * d + m;
      }
    }
  },
  quantize(source, from, target, to, blocks) {
    const { fround } = Math;
    for (let b = 0; b < blocks; b++, from += VALUES, to += BYTES) {
      let min = source[from];
      let max = min;
      for (let j = 1; j < VALUES; j++) {
        min = Math.min(min, source[from + j]);
        max = Math.max(max, source[from + j]);
      }
      const d = fround(fround(max - min) / 15);
      const inverse = d ? fround(1 / d) : 0;
      const code = (value: number) => Math.min(15, Math.trunc(fround(fround(fround(value - min) * inverse) + 0.5)));
      writeF16(target, to, d);
      writeF16(target, to + 2, min);
      for (let j = 0; j < 16; j++) target[to + 4 + j] = code(source[from + j]) | (code(source[from + 16 + j]) << 4);
    }
  },
};
