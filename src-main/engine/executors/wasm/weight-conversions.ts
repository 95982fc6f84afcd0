/** Converts types to others that have packing kernels, without changing the codes. */
import { readF16, writeF16 } from '../../quant/float16.ts';
import { IQ4_LEVELS } from '../../quant/iq4_nl.ts';

/** IQ4_XS to IQ4_NL. */
export function iq4XsToNl(bytes: Uint8Array, blocks: number): Uint8Array {
  const result = new Uint8Array(blocks * 8 * 18);
  for (let block = 0; block < blocks; block++) {
    const at = block * 136;
    const d = readF16(bytes, at);
    const upper = bytes[at + 2] | (bytes[at + 3] << 8);
    for (let part = 0; part < 8; part++) {
      const to = (block * 8 + part) * 18;
      const low = (bytes[at + 4 + (part >> 1)] >> (4 * (part & 1))) & 15;
      writeF16(result, to, d * ((low | (((upper >> (2 * part)) & 3) << 4)) - 32));
      result.set(bytes.subarray(at + 8 + 16 * part, at + 24 + 16 * part), to + 2);
    }
  }
  return result;
}

/** IQ4_NL to Q8_0: the table's values are 8-bit codes. */
export function iq4NlToQ80(bytes: Uint8Array, blocks: number): Uint8Array {
  const result = new Uint8Array(blocks * 34);
  for (let block = 0; block < blocks; block++) {
    const at = block * 18;
    const to = block * 34;
    result.set(bytes.subarray(at, at + 2), to);
    for (let j = 0; j < 16; j++) {
      const codes = bytes[at + 2 + j];
      result[to + 2 + j] = IQ4_LEVELS[codes & 15];
      result[to + 18 + j] = IQ4_LEVELS[codes >> 4];
    }
  }
  return result;
}
