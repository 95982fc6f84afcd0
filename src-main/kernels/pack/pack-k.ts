/**
 * Repacking as in pack.ts, of blocks of 256 values with small scales of their own. Each becomes eight of 32 in a layout
 * that keeps the codes; products of two scales are rounded to 11 bits, which is far below what quantising the activations
 * costs.
 */
import { halfBits4 } from '../base/half';
import { half4 } from '../base/math';

/** Q4_K blocks `f16 d, dmin; u8 scales[12], q[128]` to Q4_1's layout. */
export function packQ4K(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const blocks = width >> 8;
  let from = source;
  for (let row = first; row < first + rows; row++) {
    let to = target + <usize>((row >> 3) * blocks) * 1280;
    const lane = <usize>(row & 7);
    for (let block = 0; block < blocks; block++, from += 144, to += 1280) {
      packScales(from, to + lane * 2, 160);
      const codes = to + 32 + lane * 4;
      for (let part: usize = 0; part < 8; part++) packPart(from + 16, part, codes + part * 160);
    }
  }
}

/** Q5_K blocks `f16 d, dmin; u8 scales[12], high[32], q[128]` to Q5_1's layout. */
export function packQ5K(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const blocks = width >> 8;
  let from = source;
  for (let row = first; row < first + rows; row++) {
    let to = target + <usize>((row >> 3) * blocks) * 1536;
    const lane = <usize>(row & 7);
    for (let block = 0; block < blocks; block++, from += 176, to += 1536) {
      packScales(from, to + lane * 2, 192);
      const codes = to + 32 + lane * 4;
      for (let part: usize = 0; part < 8; part++) {
        packPart(from + 48, part, codes + part * 192);
        // Bit j of byte i belongs to value 4j + i.
        let high: u32 = 0;
        for (let j: usize = 0; j < 8; j++)
          high |= ((load<u32>(from + 16 + j * 4) >> <u32>part) & 0x01010101) << (<u32>j);
        store<u32>(codes + part * 192, high, 128);
      }
    }
  }
}

/** Q6_K blocks `u8 q[128], high[64]; i8 scales[16]; f16 d` to blocks of 32 with a scale for each half. */
export function packQ6K(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const blocks = width >> 8;
  let from = source;
  for (let row = first; row < first + rows; row++) {
    let to = target + <usize>((row >> 3) * blocks) * 1792;
    const lane = <usize>(row & 7);
    for (let block = 0; block < blocks; block++, from += 210, to += 1792) {
      const d = halfOf(from + 208);
      for (let i: usize = 0; i < 16; i += 4) {
        const scales = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(from + 192 + i)));
        const products = halfBits4(f32x4.mul(f32x4.convert_i32x4_s(scales), d));
        const at = to + (i >> 1) * 224 + lane * 2;
        v128.store16_lane(at, products, 0);
        v128.store16_lane(at, products, 2, 16);
        v128.store16_lane(at, products, 4, 224);
        v128.store16_lane(at, products, 6, 240);
      }
      for (let part: usize = 0; part < 8; part++) {
        const q = from + 64 * (part >> 2) + 32 * (part & 1);
        const high = from + 128 + 32 * (part >> 2);
        const codes = to + 32 + part * 224 + lane * 4;
        packSixBits(q, high, (<u32>(part & 2)) << 1, (<u32>(part & 3)) << 1, codes);
        packSixBits(q + 16, high + 16, (<u32>(part & 2)) << 1, (<u32>(part & 3)) << 1, codes + 96);
      }
    }
  }
}

/** Sixteen codes of one row: two bits of the fourth four above each of the others. */
// @inline
function packSixBits(q: usize, high: usize, shift: u32, highShift: u32, to: usize): void {
  const fourth = sixBits(q + 12, high + 12, shift, highShift);
  store<u32>(to, sixBits(q, high, shift, highShift) | ((fourth & 0x03030303) << 6));
  store<u32>(to, sixBits(q + 4, high + 4, shift, highShift) | ((fourth & 0x0c0c0c0c) << 4), 32);
  store<u32>(to, sixBits(q + 8, high + 8, shift, highShift) | ((fourth & 0x30303030) << 2), 64);
}

// @inline
function sixBits(q: usize, high: usize, shift: u32, highShift: u32): u32 {
  return ((load<u32>(q) >> shift) & 0x0f0f0f0f) | (((load<u32>(high) >> highShift) & 0x03030303) << 4);
}

/** Nibbles of 32 bytes that a part shares with its neighbour, to 16 bytes of its own: value j and value 16 + j. */
// @inline
function packPart(q: usize, part: usize, to: usize): void {
  const shift = (<u32>(part & 1)) << 2;
  const from = q + (part >> 1) * 32;
  for (let j: usize = 0; j < 4; j++) {
    const low = (load<u32>(from + j * 4) >> shift) & 0x0f0f0f0f;
    const high = (load<u32>(from + j * 4, 16) >> shift) & 0x0f0f0f0f;
    store<u32>(to + j * 32, low | (high << 4));
  }
}

/**
 * Of a block's eight parts the scale, and 16 bytes behind it the minimum, negative.
 * @param from `f16 d, dmin; u8 scales[12]`: six bits each, of the last four parts two above those of the first four
 * @param apart bytes from one part to the next
 */
// @inline
function packScales(from: usize, to: usize, apart: usize): void {
  const d = halfOf(from);
  const m = f32x4.neg(halfOf(from + 2));
  const a = load<u32>(from, 4);
  const b = load<u32>(from, 8);
  const c = load<u32>(from, 12);
  packProducts(a & 0x3f3f3f3f, d, to, apart);
  packProducts((c & 0x0f0f0f0f) | ((a >> 2) & 0x30303030), d, to + 4 * apart, apart);
  packProducts(b & 0x3f3f3f3f, m, to + 16, apart);
  packProducts(((c >> 4) & 0x0f0f0f0f) | ((b >> 2) & 0x30303030), m, to + 16 + 4 * apart, apart);
}

/** The float16 at `at`, in each lane. */
// @inline
function halfOf(at: usize): v128 {
  return half4(i32x4.splat(load<i16>(at)));
}

/** Four bytes times a factor, as float16. */
// @inline
function packProducts(bytes: u32, factor: v128, to: usize, apart: usize): void {
  const values = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(i32x4.splat(bytes)));
  const products = halfBits4(f32x4.mul(f32x4.convert_i32x4_s(values), factor));
  v128.store16_lane(to, products, 0);
  v128.store16_lane(to + apart, products, 2);
  v128.store16_lane(to + 2 * apart, products, 4);
  v128.store16_lane(to + 3 * apart, products, 6);
}
