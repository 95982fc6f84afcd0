/**
 * Repacking as in pack.ts, of blocks of 256 values with small scales of their own. Each becomes eight of 32 in a layout
 * that keeps the codes; products of two scales are rounded to 11 bits, which is far below what quantising the activations
 * costs.
 */
import { halfBits4 } from '../base/half';
import { half4 } from '../base/math';
import { NIBBLES } from '../base/wide';
import { areTogether, storeColumn, storeColumns, TOGETHER } from './pack';

const TWO_BITS: i32 = 0x03030303;

/** Q4_K blocks `f16 d, dmin; u8 scales[12], q[128]` to Q4_1's layout. */
export function packQ4K(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packNibbles(source, target, width, first, rows, 144, 16, 160);
}

/** Q5_K blocks `f16 d, dmin; u8 scales[12], high[32], q[128]` to Q5_1's layout. */
export function packQ5K(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  packNibbles(source, target, width, first, rows, 176, 48, 192);
  const blocks = width >> 8;
  let from = source + 16;
  for (let row = first; row < first + rows; row++) {
    let to = target + <usize>((row >> 3) * blocks) * 1536 + 160 + <usize>(row & 7) * 4;
    for (let block = 0; block < blocks; block++, from += 176) {
      for (let part = 0; part < 8; part++, to += 192) {
        // Bit j of byte i belongs to value 4j + i.
        let high: u32 = 0;
        for (let j: usize = 0; j < 8; j++) high |= ((load<u32>(from + j * 4) >> part) & 0x01010101) << (<u32>j);
        store<u32>(to, high);
      }
    }
  }
}

/** Scales, minimums and nibbles. @param q where a block's nibbles begin @param step bytes of 32 values in the layout */
// @inline
function packNibbles(
  source: usize,
  target: usize,
  width: i32,
  first: i32,
  rows: i32,
  blockBytes: usize,
  q: usize,
  step: usize,
): void {
  const blocks = width >> 8;
  const bytes = <usize>blocks * blockBytes;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>row * bytes;
    let to = target + <usize>(((first + row) >> 3) * blocks) * 8 * step;
    const lane = <usize>((first + row) & 7);
    const together = areTogether(first, row, rows);
    for (let block = 0; block < blocks; block++, from += blockBytes, to += 8 * step) {
      const codes = to + 32 + lane * 4;
      if (together) {
        for (let r: usize = 0; r < TOGETHER; r++) packScales(from + r * bytes, to + (lane + r) * 2, step);
        for (let pair: usize = 0; pair < 4; pair++) {
          packPairs(from + q + 32 * pair, bytes, codes + 2 * pair * step, step);
        }
      } else {
        packScales(from, to + lane * 2, step);
        for (let pair: usize = 0; pair < 4; pair++) {
          const a = v128.load(from + q + 32 * pair);
          const b = v128.load(from + q + 32 * pair, 16);
          storeColumn(nibblesOf(false, a, b), codes + 2 * pair * step);
          storeColumn(nibblesOf(true, a, b), codes + (2 * pair + 1) * step);
        }
      }
    }
    if (together) row += <i32>TOGETHER - 1;
  }
}

/** Of four rows, `apart` bytes from one to the next, 32 bytes, which two parts share, to both. */
// @inline
function packPairs(from: usize, apart: usize, to: usize, step: usize): void {
  const a = v128.load(from);
  const a16 = v128.load(from, 16);
  from += apart;
  const b = v128.load(from);
  const b16 = v128.load(from, 16);
  from += apart;
  const c = v128.load(from);
  const c16 = v128.load(from, 16);
  from += apart;
  const d = v128.load(from);
  const d16 = v128.load(from, 16);
  for (let part = 0; part < 2; part++, to += step) {
    const high = part > 0;
    storeColumns(
      nibblesOf(high, a, a16),
      nibblesOf(high, b, b16),
      nibblesOf(high, c, c16),
      nibblesOf(high, d, d16),
      to,
    );
  }
}

/** Nibbles of 32 bytes as 16 bytes: value j and value 16 + j. */
// @inline
function nibblesOf(high: bool, a: v128, b: v128): v128 {
  const low = i32x4.splat(NIBBLES);
  const values = v128.and(high ? i16x8.shr_u(a, 4) : a, low);
  return v128.or(values, v128.andnot(high ? b : i16x8.shl(b, 4), low));
}

/** Q6_K blocks `u8 q[128], high[64]; i8 scales[16]; f16 d` to blocks of 32 with a scale for each half. */
export function packQ6K(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const blocks = width >> 8;
  const bytes = <usize>blocks * 210;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>row * bytes;
    let to = target + <usize>(((first + row) >> 3) * blocks) * 1792;
    const lane = <usize>((first + row) & 7);
    const together = areTogether(first, row, rows);
    const count: usize = together ? TOGETHER : 1;
    for (let block = 0; block < blocks; block++, from += 210, to += 1792) {
      for (let r: usize = 0; r < count; r++) packScalesOfHalves(from + r * bytes, to + (lane + r) * 2);
      for (let half: usize = 0; half < 16; half++) {
        const codes = to + 32 + (half >> 1) * 224 + (half & 1) * 96 + lane * 4;
        const a = sixBitsOf(from, half);
        if (together) {
          const b = sixBitsOf(from + bytes, half);
          const c = sixBitsOf(from + 2 * bytes, half);
          packSixBits(a, b, c, sixBitsOf(from + 3 * bytes, half), codes);
        } else packSixBitsOfOne(a, codes);
      }
    }
    if (together) row += <i32>TOGETHER - 1;
  }
}

/** Products of a block's scales, of which each part of 32 values has two. */
// @inline
function packScalesOfHalves(from: usize, to: usize): void {
  const d = halfOf(from + 208);
  for (let i: usize = 0; i < 16; i += 4) {
    const scales = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(from + 192 + i)));
    storeOfHalves(halfBits4(f32x4.mul(f32x4.convert_i32x4_s(scales), d)), to + (i >> 1) * 224, 224);
  }
}

/** Scales of both halves of two blocks, `step` bytes apart. */
// @inline
function storeOfHalves(scales: v128, to: usize, step: usize): void {
  v128.store16_lane(to, scales, 0);
  v128.store16_lane(to, scales, 2, 16);
  v128.store16_lane(to + step, scales, 4);
  v128.store16_lane(to + step, scales, 6, 16);
}

/** Codes of 16 values of one row. @param half 0..15, of which two are a part */
// @inline
function sixBitsOf(from: usize, half: usize): v128 {
  const part = half >> 1;
  const at = (half & 1) << 4;
  const q = v128.load(from + 64 * (part >> 2) + 32 * (part & 1) + at);
  const high = v128.load(from + 128 + 32 * (part >> 2) + at);
  const low = v128.and(i16x8.shr_u(q, <i32>((part & 2) << 1)), i32x4.splat(NIBBLES));
  const two = v128.and(i16x8.shr_u(high, <i32>((part & 3) << 1)), i32x4.splat(TWO_BITS));
  return v128.or(low, i16x8.shl(two, 4));
}

/** Sixteen codes of each of four rows: two bits of the fourth four above each of the others. */
// @inline
function packSixBits(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const low = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const high = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const otherLow = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const otherHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  const fourth = v128.shuffle<i64>(high, otherHigh, 1, 3);
  v128.store(to, withTwoBits(v128.shuffle<i64>(low, otherLow, 0, 2), fourth, 0));
  v128.store(to, withTwoBits(v128.shuffle<i64>(low, otherLow, 1, 3), fourth, 2), 32);
  v128.store(to, withTwoBits(v128.shuffle<i64>(high, otherHigh, 0, 2), fourth, 4), 64);
}

// @inline
function packSixBitsOfOne(codes: v128, to: usize): void {
  const fourth = v128.shuffle<i32>(codes, codes, 3, 3, 3, 3);
  v128.store32_lane(to, withTwoBits(codes, fourth, 0), 0);
  v128.store32_lane(to, withTwoBits(codes, fourth, 2), 1, 32);
  v128.store32_lane(to, withTwoBits(codes, fourth, 4), 2, 64);
}

/** Two bits of each byte of `fourth`, from bit `shift` on, in the highest of `codes`. */
// @inline
function withTwoBits(codes: v128, fourth: v128, shift: i32): v128 {
  return v128.or(codes, i16x8.shl(v128.and(i16x8.shr_u(fourth, shift), i32x4.splat(TWO_BITS)), 6));
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

/** Q3_K blocks `u8 high[32], q[64], scales[12]; f16 d` to nibbles with a scale for each half. */
export function packQ3K(source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  const blocks = width >> 8;
  const bytes = <usize>blocks * 110;
  for (let row = 0; row < rows; row++) {
    let from = source + <usize>row * bytes;
    let to = target + <usize>(((first + row) >> 3) * blocks) * 1280;
    const lane = <usize>((first + row) & 7);
    const together = areTogether(first, row, rows);
    const count: usize = together ? TOGETHER : 1;
    for (let block = 0; block < blocks; block++, from += 110, to += 1280) {
      for (let r: usize = 0; r < count; r++) packSixBitScales(from + r * bytes, to + (lane + r) * 2);
      for (let part = 0; part < 8; part++) {
        const codes = to + 32 + <usize>part * 160 + lane * 4;
        const a = threeBitsOf(from, part);
        if (together) {
          const b = threeBitsOf(from + bytes, part);
          const c = threeBitsOf(from + 2 * bytes, part);
          storeColumns(a, b, c, threeBitsOf(from + 3 * bytes, part), codes);
        } else storeColumn(a, codes);
      }
    }
    if (together) row += <i32>TOGETHER - 1;
  }
}

/** Codes of a part of one row as nibbles: value j and value 16 + j. */
// @inline
function threeBitsOf(from: usize, part: i32): v128 {
  const q = from + 32 + 32 * <usize>(part >> 2);
  const shift = (part & 3) << 1;
  const low = threeBits(v128.load(q), v128.load(from), shift, part);
  return v128.or(low, i16x8.shl(threeBits(v128.load(q, 16), v128.load(from, 16), shift, part), 4));
}

/** Two bits of each byte of `q` from bit `shift` on, and bit `part` of `high`. */
// @inline
function threeBits(q: v128, high: v128, shift: i32, part: i32): v128 {
  const two = v128.and(i16x8.shr_u(q, shift), i32x4.splat(TWO_BITS));
  const third = v128.and(i16x8.shr_u(high, part), i32x4.splat(0x01010101));
  return v128.or(two, i16x8.shl(third, 2));
}

/** Products of sixteen scales of six bits less 32: nibbles in the first eight bytes, two bits above them in the last four. */
// @inline
function packSixBitScales(from: usize, to: usize): void {
  const d = halfOf(from + 108);
  for (let i: usize = 0; i < 4; i++) {
    const nibbles = (load<u32>(from + 96 + (i & 1) * 4) >> ((<u32>i >> 1) << 2)) & 0x0f0f0f0f;
    const two = (load<u32>(from, 104) >> ((<u32>i) << 1)) & 0x03030303;
    const scales = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(i32x4.splat(nibbles | (two << 4))));
    const values = f32x4.convert_i32x4_s(i32x4.sub(scales, i32x4.splat(32)));
    storeOfHalves(halfBits4(f32x4.mul(values, d)), to + i * 320, 160);
  }
}
