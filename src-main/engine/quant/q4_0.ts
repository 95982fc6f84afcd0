import type { BlockType } from './block-type.ts';
import { readF16, writeF16 } from './float16.ts';

const VALUES = 32;
const BYTES = 18;

/**
 * `f16 d; u8 qs[16]`: value j is `(q - 8) * d`, q the low nibble of qs[j] for j < 16 and the high nibble of qs[j - 16]
 * above.
 */
export const Q4_0: BlockType = {
  name: 'Q4_0',
  id: 2,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = readF16(source, at);
      for (let j = 0; j < 16; j++) {
        const q = source[at + 2 + j];
        target[to + j] = ((q & 15) - 8) * d;
        target[to + 16 + j] = ((q >> 4) - 8) * d;
      }
    }
  },
  quantize(source, from, target, to, blocks) {
    const { fround } = Math;
    for (let b = 0; b < blocks; b++, from += VALUES, to += BYTES) {
      // The value of largest magnitude becomes code 0 or, with the other sign, just beyond 15; so its sign decides that
      // of d.
      let extreme = 0;
      for (let j = 0; j < VALUES; j++) if (Math.abs(source[from + j]) > Math.abs(extreme)) extreme = source[from + j];
      const d = fround(extreme / -8);
      const inverse = d ? fround(1 / d) : 0;
      const code = (value: number) => Math.min(15, Math.trunc(fround(fround(value * inverse) + 8.5)));
      writeF16(target, to, d);
      for (let j = 0; j < 16; j++) target[to + 2 + j] = code(source[from + j]) | (code(source[from + 16 + j]) << 4);
    }
  },
};
