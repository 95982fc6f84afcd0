/** Vector functions on four float32 values. Each is within a few ulps of the exact value. */

export const LOG2_E: f32 = 1.44269504088896341;
/** ln 2 in two parts, so that x - n ln 2 keeps its low bits (Cody and Waite, 1980). */
export const LN2_HIGH: f32 = 0.693359375;
export const LN2_LOW: f32 = -2.1219444e-4;
/** exp of less is below the smallest normal float32: taken as 0. */
export const EXP_LOWEST: f32 = -87.33;
export const EXP_HIGHEST: f32 = 88.37;
export const GELU_CUBE: f32 = 0.044715;
/** 2 sqrt(2/pi) */
export const GELU_SLOPE: f32 = 1.5957691216057308;
/** Coefficients of e^x, from x^7 down to x^2. */
export const EXP_TERM7: f32 = 1.98756915e-4;
export const EXP_TERM6: f32 = 1.3981999507e-3;
export const EXP_TERM5: f32 = 8.3334519073e-3;
export const EXP_TERM4: f32 = 4.1665795894e-2;
export const EXP_TERM3: f32 = 1.6666665459e-1;
export const EXP_TERM2: f32 = 5.0000001201e-1;
/** 1.5 * 2^23: added to a float32 of less than 2^22, it leaves the nearest integer, ties to even, in the low bits. */
export const ROUNDING: f32 = 12582912;

/** a * b + c; fused where relaxed SIMD is there. */
// @inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** e^x, with the polynomial of Cephes' expf; 0 below -87.33. */
// @inline
export function exp4(value: v128): v128 {
  return exp4By(
    value,
    f32x4.splat(EXP_LOWEST),
    f32x4.splat(EXP_HIGHEST),
    f32x4.splat(LOG2_E),
    f32x4.splat(ROUNDING),
    f32x4.splat(-LN2_HIGH),
    f32x4.splat(-LN2_LOW),
    f32x4.splat(EXP_TERM7),
    f32x4.splat(EXP_TERM6),
    f32x4.splat(EXP_TERM5),
    f32x4.splat(EXP_TERM4),
    f32x4.splat(EXP_TERM3),
    f32x4.splat(EXP_TERM2),
    f32x4.splat(1),
    i32x4.splat(127),
  );
}

/** The same, given all constants. */
// @inline
export function exp4By(
  value: v128,
  lowest: v128,
  highest: v128,
  log2e: v128,
  rounding: v128,
  minusHigh: v128,
  minusLow: v128,
  term7: v128,
  term6: v128,
  term5: v128,
  term4: v128,
  term3: v128,
  term2: v128,
  one: v128,
  bias: v128,
): v128 {
  // pmin and pmax are one instruction each where min and max are many; a NaN as the first operand stays.
  const x = f32x4.pmin(f32x4.pmax(value, lowest), highest);
  const e = unboundedExp4By(
    x,
    log2e,
    rounding,
    minusHigh,
    minusLow,
    term7,
    term6,
    term5,
    term4,
    term3,
    term2,
    one,
    bias,
  );
  // NaN in, NaN out: the comparison is false for it.
  return v128.andnot(e, f32x4.lt(value, lowest));
}

/** The same bits for values from EXP_LOWEST to EXP_HIGHEST, anything for others. @param bias 127; n more: times 2^n */
// @inline
export function unboundedExp4By(
  x: v128,
  log2e: v128,
  rounding: v128,
  minusHigh: v128,
  minusLow: v128,
  term7: v128,
  term6: v128,
  term5: v128,
  term4: v128,
  term3: v128,
  term2: v128,
  one: v128,
  bias: v128,
): v128 {
  const shifted = f32x4.add(f32x4.mul(x, log2e), rounding);
  const n = f32x4.sub(shifted, rounding);
  let r = madd(n, minusHigh, x);
  r = madd(n, minusLow, r);
  let p = madd(term7, r, term6);
  p = madd(p, r, term5);
  p = madd(p, r, term4);
  p = madd(p, r, term3);
  p = madd(p, r, term2);
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), one);
  return f32x4.mul(p, i32x4.shl(i32x4.add(shifted, bias), 23));
}

/** 1 / (1 + e^-x). */
// @inline
function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}

export function silu4(x: v128): v128 {
  return f32x4.mul(x, sigmoid4(x));
}

/** x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3). */
export function gelu4(x: v128): v128 {
  const cubic = madd(f32x4.mul(f32x4.splat(GELU_CUBE), f32x4.mul(x, x)), x, x);
  return f32x4.mul(x, sigmoid4(f32x4.mul(cubic, f32x4.splat(GELU_SLOPE))));
}

/** cap * tanh(x / cap), by tanh z = 1 - 2 / (e^2z + 1). */
export function softcap4(x: v128, cap: f32): v128 {
  const e = exp4(f32x4.mul(x, f32x4.splat(2 / cap)));
  const t = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))));
  return f32x4.mul(t, f32x4.splat(cap));
}

/** Keeps NaN, as max would not. */
// @inline
export function relu4(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(x, f32x4.splat(0)));
}

// @inline
export function sum4(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

// @inline
export function max4(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** What of a binary16 number, moved up by 13 bits, is in a float32. */
export const PLACED_HALF: i32 = 0x8fffe000;

/**
 * Four binary16 values, sign-extended to 32 bits each, moved into a float32: 2^-112 of each.
 * @param mask PLACED_HALF in each lane
 */
// @inline
export function placedHalf4(bits: v128, mask: v128): v128 {
  return v128.and(i32x4.shl(bits, 13), mask);
}

/** Four binary16 values, sign-extended to 32 bits each, as float32. Infinities become 65536. */
// @inline
export function half4(bits: v128): v128 {
  return f32x4.mul(placedHalf4(bits, i32x4.splat(PLACED_HALF)), f32x4.splat(5.192296858534828e33));
}
