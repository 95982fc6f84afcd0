/**
 * Integer layouts of weights and how each becomes the tile of 8-bit codes. All lie in panels of 8 rows, cut into blocks of
 * 32 inputs, which begin with `f16 d[8]`, the scale of each row, then:
 *
 *     Q8       u8 codes[8][8][4]: the tile itself, plus 128 where the machine's dot product takes unsigned codes
 *     Q4       u8 nibbles[4][8][4]: low nibble input 4j + i, high nibble input 16 + 4j + i; a weight is (q - 8) d
 *     Q4_MIN   f16 m[8], nibbles: q d + m
 *     Q5       nibbles, u8 high[8][4]: bit j is the fifth bit of input 4j + i: (q - 16) d
 *     Q5_MIN   f16 m[8], nibbles, high: q d + m
 *     Q6       f16 d[8] of the second half, u8 codes[2][3][8][4]: [half][j], the codes of inputs 4j + i for j of 0..2, and
 *              in their high bits two bits each of the fourth's: (q - 32) d
 *     Q3       f16 d[8] of the second half, nibbles: (q - 4) d
 *     IQ4      nibbles: indices of a table of 16 values
 */
import { dot4 } from '../base/dot';

/**
 * Five-bit codes of low nibbles: of a byte of `bits`, bit 0 is the fifth of the low one and bit 4 of the high one.
 * @param mask NIBBLES in each lane @param bit FIFTH_BITS
 */
// @inline
export function lowFives(nibbles: v128, bits: v128, mask: v128, bit: v128): v128 {
  return v128.or(v128.and(nibbles, mask), v128.and(i16x8.shl(bits, 4), bit));
}

// @inline
export function highFives(nibbles: v128, bits: v128, mask: v128, bit: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(nibbles, 4), mask), v128.and(bits, bit));
}

/** Of each byte of `indices`, all below 16, the byte of the table: one instruction instead of two where relaxed SIMD is there. */
// @inline
export function lookUp(table: v128, indices: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, indices) : i8x16.swizzle(table, indices);
}

/**
 * IQ4_NL's values (ggml-common.h, kvalues_iq4nl), as codes of the dot product.
 * @param zero code of weight 0
 */
// @inline
export function tableIQ4(zero: i32): v128 {
  return i8x16.add(
    i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),
    i8x16.splat(<i8>zero),
  );
}

/** What the two high bits of three vectors of six-bit codes make together: a fourth one. @param mask SIX_BITS in each lane */
// @inline
export function fourthOfSixBits(a: v128, b: v128, c: v128, mask: v128): v128 {
  const low = i16x8.shr_u(v128.andnot(a, mask), 6);
  const middle = i16x8.shr_u(v128.andnot(b, mask), 4);
  return v128.or(v128.or(low, middle), i16x8.shr_u(v128.andnot(c, mask), 2));
}

/** 16 activations times 16 codes of each of four rows. @param mask `opaque(SIX_BITS)` */
// @inline
export function sixBits(x: usize, codes: usize, mask: v128): v128 {
  const a = v128.load(codes);
  const b = v128.load(codes, 32);
  const c = v128.load(codes, 64);
  const s = dot4(v128.load32_splat(x), v128.and(a, mask), i32x4.splat(0));
  const t = dot4(v128.load32_splat(x, 4), v128.and(b, mask), s);
  const u = dot4(v128.load32_splat(x, 8), v128.and(c, mask), t);
  return dot4(v128.load32_splat(x, 12), fourthOfSixBits(a, b, c, mask), u);
}

/** 16 activations, in four lanes each, times 16 six-bit codes of each of four rows: two chains that are in flight together. */
// @inline
export function sixteenSixBits(x0: v128, x1: v128, x2: v128, x3: v128, a: v128, b: v128, c: v128, mask: v128): v128 {
  const none = i32x4.splat(0);
  const s = dot4(x1, v128.and(b, mask), dot4(x0, v128.and(a, mask), none));
  return i32x4.add(s, dot4(x3, fourthOfSixBits(a, b, c, mask), dot4(x2, v128.and(c, mask), none)));
}
