/** Weights of a draw from logits, `[count]` float32 at `at`: see sampling/weight.ts, which computes the same bits. */

const LOG2_E: f64 = 1.4426950408889634;
const LN2_HIGH: f64 = 6.93147180369123816e-1;
const LN2_LOW: f64 = 1.90821492927058770e-10;
const ROUNDING: f64 = 6755399441055744;
const LOWEST: f32 = -110;
const T3: f64 = 1.0 / 6;
const T4: f64 = 1.0 / 24;
const T5: f64 = 1.0 / 120;
const T6: f64 = 1.0 / 720;
const T7: f64 = 1.0 / 5040;
const T8: f64 = 1.0 / 40320;
const T9: f64 = 1.0 / 362880;
const T10: f64 = 1.0 / 3628800;
const T11: f64 = 1.0 / 39916800;
const T12: f64 = 1.0 / 479001600;

/**
 * Writes e^(logit / divisor - highest) of each, of which those above `highest` become 1, and of a whole last vector. Quotients
 * and differences are float32, and so is what is written.
 */
export function logitWeights(at: usize, count: i32, divisor: f32, highest: f32, to: usize): void {
  const by = f32x4.splat(divisor);
  const top = f32x4.splat(highest);
  const lowest = f32x4.splat(LOWEST);
  const none = f32x4.splat(0);
  for (const end = at + <usize>count * 4; at < end; at += 16, to += 16) {
    const below = f32x4.sub(f32x4.div(v128.load(at), by), top);
    const x = f32x4.pmax(f32x4.pmin(below, none), lowest);
    const low = weights2(f64x2.promote_low_f32x4(x));
    const high = weights2(f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0)));
    const first = f32x4.demote_f64x2_zero(low);
    v128.store(to, v128.shuffle<i64>(first, f32x4.demote_f64x2_zero(high), 0, 2));
  }
}

// @ts-ignore: decorator
@inline
function weights2(x: v128): v128 {
  const rounding = f64x2.splat(ROUNDING);
  const shifted = f64x2.add(f64x2.mul(x, f64x2.splat(LOG2_E)), rounding);
  const n = f64x2.sub(shifted, rounding);
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, f64x2.splat(LN2_HIGH))), f64x2.mul(n, f64x2.splat(LN2_LOW)));
  const s = f64x2.mul(r, r);
  let even = term(s, f64x2.splat(T12), T10);
  even = term(s, term(s, even, T8), T6);
  even = term(s, term(s, term(s, even, T4), 0.5), 1);
  let odd = term(s, f64x2.splat(T11), T9);
  odd = term(s, term(s, odd, T7), T5);
  odd = term(s, term(s, odd, T3), 1);
  const power = i64x2.shl(i64x2.add(shifted, i64x2.splat(1023)), 52);
  return f64x2.mul(f64x2.add(even, f64x2.mul(r, odd)), power);
}

// @ts-ignore: decorator
@inline
function term(s: v128, sum: v128, next: f64): v128 {
  return f64x2.add(f64x2.splat(next), f64x2.mul(s, sum));
}

/** How many quotients of logits by `divisor` are above -Infinity. */
export function finiteLogits(at: usize, count: i32, divisor: f32): i32 {
  const by = f32x4.splat(divisor);
  const none = f32x4.splat(-Infinity);
  const whole = at + <usize>(count & ~3) * 4;
  const end = at + <usize>count * 4;
  // A comparison gives -1 for true.
  let found = i32x4.splat(0);
  for (; at < whole; at += 16) found = i32x4.sub(found, f32x4.gt(f32x4.div(v128.load(at), by), none));
  let finite =
    i32x4.extract_lane(found, 0) + i32x4.extract_lane(found, 1) + i32x4.extract_lane(found, 2) + i32x4.extract_lane(found, 3);
  for (; at < end; at += 4) finite += i32(load<f32>(at) / divisor > -Infinity);
  return finite;
}
