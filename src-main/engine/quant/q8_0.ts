import type { BlockType } from './block-type.ts';
import { readF16, writeF16 } from './float16.ts';

const VALUES = 32;
const BYTES = 34;

/** `f16 d; i8 qs[32]`: value j is `qs[j] * d`. */
export const Q8_0: BlockType = {
  name: 'Q8_0',
  id: 8,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      for (let j = 0; j < VALUES; j++) target[to + j] = ((source[at + 2 + j] << 24) >> 24) * d;
    }
  },
  quantize(source, from, target, to, blocks) {
    const { fround } = Math;
    for (let b = 0; b < blocks; b++, from += VALUES, to += BYTES) {
      let largest = 0;
      for (let j = 0; j < VALUES; j++) largest = Math.max(largest, Math.abs(source[from + j]));
      const d = fround(largest / 127);
      const inverse = d ? fround(1 / d) : 0;
      writeF16(target, to, d);
      for (let j = 0; j < VALUES; j++) {
        const scaled = fround(source[from + j] * inverse);
        // C's roundf: halves away from zero.
        target[to + 2 + j] = scaled < 0 ? -Math.floor(0.5 - scaled) : Math.floor(scaled + 0.5);
      }
    }
  },
};
