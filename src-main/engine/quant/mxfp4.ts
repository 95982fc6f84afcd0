import type { BlockType } from './block-type.ts';

const VALUES = 32;
const BYTES = 17;

/** E2M1 values, doubled to be integers. */
const LEVELS = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** `u8 e; u8 qs[16]`: value j is `2^(e - 128) * level[q]` (the halved E8M0 scale makes up for the doubled levels). */
export const MXFP4: BlockType = {
  name: 'MXFP4',
  id: 39,
  blockSize: VALUES,
  blockBytes: BYTES,
  dequantize(source, at, target, to, blocks) {
    for (let b = 0; b < blocks; b++, at += BYTES, to += VALUES) {
      const d = 2 ** (source[at] - 128);
      for (let j = 0; j < 16; j++) {
        const q = source[at + 1 + j];
        target[to + j] = d * LEVELS[q & 15];
        target[to + 16 + j] = d * LEVELS[q >> 4];
      }
    }
  },
};
