/**
 * Blocks of 256 values with small scales of their own to blocks of 32 with float16 scales, as the packing kernels take
 * them. The codes stay; the products of two scales are rounded to 11 bits, which is far below what quantising the
 * activations costs.
 */
import { readF16, writeF16 } from '../../quant/float16.ts';
import { IQ4_LEVELS } from '../../quant/iq4_nl.ts';
import { minimumOf, scaleOf } from '../../quant/k-scales.ts';

/** Q4_K to Q4_1. */
export function q4KToQ41(bytes: Uint8Array, blocks: number): Uint8Array {
  const result = new Uint8Array(blocks * 8 * 20);
  for (let block = 0; block < blocks; block++) {
    const at = block * 144;
    for (let part = 0; part < 8; part++) {
      const to = (block * 8 + part) * 20;
      writeScaleAndMinimum(bytes, at, part, result, to);
      copyNibbles(bytes, at + 16, part, result, to + 4);
    }
  }
  return result;
}

/** Q5_K to Q5_1. */
export function q5KToQ51(bytes: Uint8Array, blocks: number): Uint8Array {
  const result = new Uint8Array(blocks * 8 * 24);
  for (let block = 0; block < blocks; block++) {
    const at = block * 176;
    for (let part = 0; part < 8; part++) {
      const to = (block * 8 + part) * 24;
      writeScaleAndMinimum(bytes, at, part, result, to);
      for (let i = 0; i < 32; i++) result[to + 4 + (i >> 3)] |= ((bytes[at + 16 + i] >> part) & 1) << (i & 7);
      copyNibbles(bytes, at + 48, part, result, to + 8);
    }
  }
  return result;
}

/** `f16 d, dmin; u8 scales[12]` of a K block. */
function writeScaleAndMinimum(bytes: Uint8Array, at: number, part: number, result: Uint8Array, to: number): void {
  writeF16(result, to, readF16(bytes, at) * scaleOf(bytes, at + 4, part));
  writeF16(result, to + 2, -readF16(bytes, at + 2) * minimumOf(bytes, at + 4, part));
}

/** Part s of 32: nibbles of 32 bytes that it shares with another part, to 16 bytes of its own. */
function copyNibbles(bytes: Uint8Array, codesAt: number, part: number, result: Uint8Array, to: number): void {
  const codes = codesAt + (part >> 1) * 32;
  const shift = (part & 1) * 4;
  for (let j = 0; j < 16; j++) {
    const low = (bytes[codes + j] >> shift) & 15;
    const high = (bytes[codes + 16 + j] >> shift) & 15;
    result[to + j] = low | (high << 4);
  }
}

/** Q6_K to `f16 d[2]; u8 q[32]`: a scale for each 16 values. */
export function q6KToHalves(bytes: Uint8Array, blocks: number): Uint8Array {
  const result = new Uint8Array(blocks * 8 * 36);
  for (let block = 0; block < blocks; block++) {
    const at = block * 210;
    const d = readF16(bytes, at + 208);
    for (let part = 0; part < 8; part++) {
      const to = (block * 8 + part) * 36;
      for (let half = 0; half < 2; half++) {
        const scale = (bytes[at + 192 + 2 * part + half] << 24) >> 24;
        writeF16(result, to + 2 * half, d * scale);
      }
      const low = at + 64 * (part >> 2) + 32 * (part & 1);
      const high = at + 128 + 32 * (part >> 2);
      const lowShift = part & 2 ? 4 : 0;
      const highShift = 2 * (part & 3);
      for (let i = 0; i < 32; i++) {
        result[to + 4 + i] = ((bytes[low + i] >> lowShift) & 15) | (((bytes[high + i] >> highShift) & 3) << 4);
      }
    }
  }
  return result;
}

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
