/** Vector functions on four float32 values. Each is within a few ulps of the exact value. */

const LOG2_E: f32 = 1.44269504088896341;
/** ln 2 in two parts, so that x - n ln 2 keeps its low bits (Cody and Waite, 1980). */
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;
/** exp of less is below the smallest normal float32: taken as 0. */
const EXP_LOWEST: f32 = -87.33;
const EXP_HIGHEST: f32 = 88.37;
/** 1.5 * 2^23: added to a float32 of less than 2^22, it leaves the nearest integer, ties to even, in the low bits. */
export const ROUNDING: f32 = 12582912;

/** a * b + c; fused where relaxed SIMD is there. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** e^x, with the polynomial of Cephes' expf; 0 below -87.33. */
// @ts-ignore: decorator
@inline
export function exp4(value: v128): v128 {
  // pmin and pmax are one instruction each where min and max are many; a NaN as the first operand stays.
  const x = f32x4.pmin(f32x4.pmax(value, f32x4.splat(EXP_LOWEST)), f32x4.splat(EXP_HIGHEST));
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDING));
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDING));
  let r = madd(n, f32x4.splat(-LN2_HIGH), x);
  r = madd(n, f32x4.splat(-LN2_LOW), r);
  let p = madd(f32x4.splat(1.9875691500e-4), r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23);
  // NaN in, NaN out: the comparison is false for it.
  return v128.andnot(f32x4.mul(p, power), f32x4.lt(value, f32x4.splat(EXP_LOWEST)));
}

/** 1 / (1 + e^-x). */
// @ts-ignore: decorator
@inline
function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}

export function silu4(x: v128): v128 {
  return f32x4.mul(x, sigmoid4(x));
}

/** x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3). */
export function gelu4(x: v128): v128 {
  const cubic = madd(f32x4.mul(f32x4.splat(0.044715), f32x4.mul(x, x)), x, x);
  return f32x4.mul(x, sigmoid4(f32x4.mul(cubic, f32x4.splat(1.5957691216057308))));
}

/** cap * tanh(x / cap), by tanh z = 1 - 2 / (e^2z + 1). */
export function softcap4(x: v128, cap: f32): v128 {
  const e = exp4(f32x4.mul(x, f32x4.splat(2 / cap)));
  const t = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))));
  return f32x4.mul(t, f32x4.splat(cap));
}

/** Keeps NaN, as max would not. */
// @ts-ignore: decorator
@inline
export function relu4(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
export function sum4(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

// @ts-ignore: decorator
@inline
export function max4(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** Four binary16 values, sign-extended to 32 bits each, moved into a float32's place: 2^-112 of each. */
// @ts-ignore: decorator
@inline
export function placedHalf4(bits: v128): v128 {
  return v128.and(i32x4.shl(bits, 13), i32x4.splat(0x8fffe000));
}

/** Four binary16 values, sign-extended to 32 bits each, as float32. Infinities become 65536. */
// @ts-ignore: decorator
@inline
export function half4(bits: v128): v128 {
  return f32x4.mul(placedHalf4(bits), f32x4.splat(5.192296858534828e33));
}
