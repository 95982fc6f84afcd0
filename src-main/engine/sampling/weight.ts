/**
 * e^x for the weights of a draw, operation by operation as in the kernel `logitWeights`: what is drawn must not depend on
 * where it was computed. x = n ln 2 + r with |r| <= ln 2 / 2, and e^x = 2^n e^r with the first terms of the series of e^r.
 */
const LOG2_E = 1.4426950408889634;
const LN2 = 0.6931471805599453;
/** 1.5 * 2^52: adding and subtracting it rounds to the nearest integer, ties to even. */
const ROUNDING = 6755399441055744;
/** e^x of less rounds to a float32 of 0. */
const LOWEST = -110;
const POWERS = Float64Array.from({ length: 160 }, (_, n) => 2 ** -n);

const T3 = 1 / 6;
const T4 = 1 / 24;
const T5 = 1 / 120;
const T6 = 1 / 720;
const T7 = 1 / 5040;
const T8 = 1 / 40320;

/**
 * Relative error below 3e-10, a two-hundredth of a float32's rounding.
 * @param x not above 0; what is below `LOWEST` gives a number that rounds to 0
 */
export function weight(x: number): number {
  const bounded = x < LOWEST ? LOWEST : x;
  const n = bounded * LOG2_E + ROUNDING - ROUNDING;
  const r = bounded - n * LN2;
  const s = r * r;
  const even = 1 + s * (0.5 + s * (T4 + s * (T6 + s * T8)));
  const odd = 1 + s * (T3 + s * (T5 + s * T7));
  return (even + r * odd) * POWERS[-n];
}
