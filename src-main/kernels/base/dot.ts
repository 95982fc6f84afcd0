/**
 * c + per 32-bit lane the four products of signed bytes `a` and codes `b` of 0..127. The order of the operands matters:
 * what relaxed SIMD does with codes above 127 is up to the machine, and below it is exact everywhere.
 */
// @inline
export function dot4(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, c);
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(a, b));
  const high = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(a, b));
  const even = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
  const odd = v128.shuffle<i32>(low, high, 1, 3, 5, 7);
  return i32x4.add(c, i32x4.add(even, odd));
}

/**
 * c + per 16-bit lane two products of signed bytes `a` and codes `b`. Without an instruction that sums in 32 bits this is
 * what machines have: eight sums of codes of 0..15 fit (8 * 2 * 127 * 15 < 32768), and widening comes once instead of
 * eight times.
 */
// @inline
export function dotPairs(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.add(c, v128.relaxed_dot<i16>(a, b));
  return unreachable();
}

/** a where the weight is not negative, -a where it is: (a ^ sign) - sign. */
// @inline
export function signed(a: v128, sign: v128): v128 {
  return i8x16.sub(v128.xor(a, sign), sign);
}

/** How this machine reads codes above 127. */
export const DOT_SEVEN_BITS: i32 = 0;
export const DOT_UNSIGNED: i32 = 1;
export const DOT_SIGNED: i32 = 2;

/** Memory for one vector below everything that the engine allocates, so that nothing is known while compiling. */
const PROBE: usize = 32;

/**
 * `DOT_*`: with codes of 128..255 the product is exact as if they were unsigned (x86 with VNNI), as if they were signed
 * (Arm, x86 with AVX-VNNI-INT8), or it is not (it may saturate).
 */
export function dotKind(): i32 {
  let unsigned = true;
  let signed = true;
  for (let code = 128; code < 256; code += 31) {
    for (let activation = -127; activation <= 127; activation += 127) {
      memory.fill(PROBE, <u8>activation, 16);
      const a = v128.load(PROBE);
      memory.fill(PROBE, <u8>code, 16);
      const found = i32x4.extract_lane(dot4(a, v128.load(PROBE), i32x4.splat(5)), 3);
      if (found != 5 + 4 * activation * code) unsigned = false;
      if (found != 5 + 4 * activation * (code - 256)) signed = false;
    }
  }
  memory.fill(PROBE, 0, 16);
  return unsigned ? DOT_UNSIGNED : signed ? DOT_SIGNED : DOT_SEVEN_BITS;
}

/** Whether there is an instruction that sums pairs of products in 16 bits. */
export function hasShortSums(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}
