/** Weights of a draw from logits, `[count]` float32 at `at`: see sampling/weight.ts, which computes the same bits. */
import { opaqueFloat, zero } from '../base/wide';

const LOG2_E: f64 = 1.4426950408889634;
const LN2: f64 = 0.6931471805599453;
const ROUNDING: f64 = 6755399441055744;
const LOWEST: f32 = -110;
const T3: f64 = 1.0 / 6;
const T4: f64 = 1.0 / 24;
const T5: f64 = 1.0 / 120;
const T6: f64 = 1.0 / 720;
const T7: f64 = 1.0 / 5040;
const T8: f64 = 1.0 / 40320;

/**
 * Writes e^(logit / divisor - highest) of each, of which those above `highest` become 1, and of a whole last vector. Quotients
 * and differences are float32, and so is what is written.
 */
export function logitWeights(at: usize, count: i32, divisor: f32, highest: f32, to: usize): void {
  const by = f32x4.splat(divisor);
  const top = f32x4.splat(highest);
  const lowest = opaqueFloat(LOWEST);
  const none = f32x4.splat(0);
  const log2e = keptDouble(LOG2_E);
  const rounding = keptDouble(ROUNDING);
  const ln2 = keptDouble(LN2);
  const bias = i64x2.splat(1023 | zero);
  const one = keptDouble(1);
  const half = keptDouble(0.5);
  const t3 = keptDouble(T3);
  const t4 = keptDouble(T4);
  const t5 = keptDouble(T5);
  const t6 = keptDouble(T6);
  const t7 = keptDouble(T7);
  const t8 = keptDouble(T8);
  for (const end = at + <usize>count * 4; at < end; at += 16, to += 16) {
    const below = f32x4.sub(f32x4.div(v128.load(at), by), top);
    const x = f32x4.pmax(f32x4.pmin(below, none), lowest);
    const x0 = f64x2.promote_low_f32x4(x);
    const x1 = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0));
    const shifted0 = f64x2.add(f64x2.mul(x0, log2e), rounding);
    const shifted1 = f64x2.add(f64x2.mul(x1, log2e), rounding);
    const n0 = f64x2.sub(shifted0, rounding);
    const n1 = f64x2.sub(shifted1, rounding);
    const r0 = f64x2.sub(x0, f64x2.mul(n0, ln2));
    const r1 = f64x2.sub(x1, f64x2.mul(n1, ln2));
    const s0 = f64x2.mul(r0, r0);
    const s1 = f64x2.mul(r1, r1);
    const even0 = term(s0, term(s0, term(s0, term(s0, t8, t6), t4), half), one);
    const even1 = term(s1, term(s1, term(s1, term(s1, t8, t6), t4), half), one);
    const odd0 = term(s0, term(s0, term(s0, t7, t5), t3), one);
    const odd1 = term(s1, term(s1, term(s1, t7, t5), t3), one);
    const e0 = f64x2.mul(f64x2.add(even0, f64x2.mul(r0, odd0)), i64x2.shl(i64x2.add(shifted0, bias), 52));
    const e1 = f64x2.mul(f64x2.add(even1, f64x2.mul(r1, odd1)), i64x2.shl(i64x2.add(shifted1, bias), 52));
    v128.store(to, v128.shuffle<i64>(f32x4.demote_f64x2_zero(e0), f32x4.demote_f64x2_zero(e1), 0, 2));
  }
}

/** As `opaque`, a double in both lanes. */
// @inline
function keptDouble(value: f64): v128 {
  return i64x2.splat(reinterpret<i64>(value) | <i64>zero);
}

// @inline
function term(s: v128, sum: v128, next: v128): v128 {
  return f64x2.add(next, f64x2.mul(s, sum));
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
    i32x4.extract_lane(found, 0) +
    i32x4.extract_lane(found, 1) +
    i32x4.extract_lane(found, 2) +
    i32x4.extract_lane(found, 3);
  for (; at < end; at += 4) finite += i32(load<f32>(at) / divisor > -Infinity);
  return finite;
}
