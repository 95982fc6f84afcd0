/** float32 to binary16, rounded to the nearest, ties to even; and pairs of 16-bit weights to float32. */
import { PLACED_HALF } from './math';
import { opaque, UPPER_HALF } from './wide';

/** The largest finite binary16: larger values become this, so that no cache holds an infinity that was none. */
const LARGEST: f32 = 65504;
/** Bits of 2^-14, the smallest normal binary16. */
const SMALLEST_NORMAL: i32 = 0x38800000;
/** 0.5, whose last bit is worth 2^-24: adding it rounds to what subnormal binary16 can tell apart. */
const SUBNORMAL_BIAS: f32 = 0.5;
const QUIET_NAN: i32 = 0x7e00;

/** Four float32 values to binary16 in the low half of each lane; the high half is 0. */
// @inline
export function halfBits4(x: v128): v128 {
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000));
  const magnitude = f32x4.pmin(f32x4.splat(LARGEST), f32x4.abs(x));
  // Half of what is cut off, less one unless the last bit that stays is odd.
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = i32x4.add(i32x4.add(magnitude, odd), i32x4.splat(0xfff - (112 << 23)));
  const bias = f32x4.splat(SUBNORMAL_BIAS);
  const subnormal = i32x4.sub(f32x4.add(magnitude, bias), bias);
  const small = i32x4.lt_s(magnitude, i32x4.splat(SMALLEST_NORMAL));
  const bits = v128.bitselect(subnormal, i32x4.shr_u(rounded, 13), small);
  return v128.or(sign, v128.bitselect(bits, i32x4.splat(QUIET_NAN), f32x4.eq(x, x)));
}

/** Eight float32 values to eight binary16 at `to`. */
// @inline
export function storeHalf8(low: v128, high: v128, to: usize): void {
  v128.store(to, i16x8.narrow_i32x4_u(halfBits4(low), halfBits4(high)));
}

/** The first of four float32 values to a binary16 at `to`. */
// @inline
export function storeHalf(value: v128, to: usize): void {
  store<u16>(to, <u16>i32x4.extract_lane(halfBits4(value), 0));
}

/**
 * Of pairs of 16-bit weights the first, which stands in the low half of its lane, as float32: of a bfloat16 its value, of a
 * float16 2^-112 of it, moved up by 13 bits with its sign extended at once.
 * @param up `opaque(0x2000)`: 13 bits @param mask of `pairMask`
 */
// @inline
export function firstOfPair(brain: bool, pair: v128, up: v128, mask: v128): v128 {
  return brain ? i32x4.shl(pair, 16) : v128.and(i32x4.dot_i16x8_s(pair, up), mask);
}

/** The second in the same way. */
// @inline
export function secondOfPair(brain: bool, pair: v128, mask: v128): v128 {
  return v128.and(brain ? pair : i32x4.shr_s(pair, 3), mask);
}

/** What a float32 keeps of such a weight. */
// @inline
export function pairMask(brain: bool): v128 {
  return opaque(brain ? UPPER_HALF : PLACED_HALF);
}
