/**
 * What attention does with long rows of numbers, one after the other, in the shape that base/wide.ts describes. Addresses of
 * scores are multiples of 16; what is the same for all comes as a number, because a vector that is a parameter does not fuse.
 */
import {
  exp4,
  EXP_LOWEST,
  EXP_TERM2,
  EXP_TERM3,
  EXP_TERM4,
  EXP_TERM5,
  EXP_TERM6,
  EXP_TERM7,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  PLACED_HALF,
  placedHalf4,
  ROUNDING,
  unboundedExp4By,
} from '../base/math';
import { opaque, opaqueFloat, storePair } from '../base/wide';

/** Scores from `at` up to `end` times `factor`; gives four of which one is the highest. */
export function scaleScores(at: usize, end: usize, factor: f32): v128 {
  const scale = f32x4.splat(factor);
  let highest = f32x4.splat(-Infinity);
  let other = highest;
  for (; at + 16 < end; at += 32) {
    const low = f32x4.mul(v128.load(at), scale);
    const high = f32x4.mul(v128.load(at, 16), scale);
    storePair(at, low, high);
    // Loses a NaN, but what it becomes makes the sum NaN.
    highest = f32x4.pmax(highest, low);
    other = f32x4.pmax(other, high);
  }
  highest = f32x4.pmax(highest, other);
  if (at >= end) return highest;
  const last = f32x4.mul(v128.load(at), scale);
  v128.store(at, last);
  return f32x4.pmax(highest, last);
}

/**
 * Scores from `at` up to `end` to 2^exponent times e^(score - highest); gives four sums, each of every fourth one.
 * @param highest of them
 */
export function exponentials(at: usize, end: usize, highest: f32, exponent: i32): v128 {
  const top = f32x4.splat(highest);
  const lowest = opaqueFloat(EXP_LOWEST);
  const log2e = opaqueFloat(LOG2_E);
  const rounding = opaqueFloat(ROUNDING);
  const minusHigh = opaqueFloat(-LN2_HIGH);
  const minusLow = opaqueFloat(-LN2_LOW);
  const term7 = opaqueFloat(EXP_TERM7);
  const term6 = opaqueFloat(EXP_TERM6);
  const term5 = opaqueFloat(EXP_TERM5);
  const term4 = opaqueFloat(EXP_TERM4);
  const term3 = opaqueFloat(EXP_TERM3);
  const term2 = opaqueFloat(EXP_TERM2);
  const one = opaqueFloat(1);
  const bias = opaque(127 + exponent);
  let sums = f32x4.splat(0);
  for (; at + 16 < end; at += 32) {
    const low = f32x4.sub(v128.load(at), top);
    const high = f32x4.sub(v128.load(at, 16), top);
    const e0 = unboundedExp4By(
      low,
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
    const e1 = unboundedExp4By(
      high,
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
    // None is above 0, and what is too low is 0. A NaN stays: the comparison is false for it.
    const first = v128.andnot(e0, f32x4.lt(low, lowest));
    const second = v128.andnot(e1, f32x4.lt(high, lowest));
    storePair(at, first, second);
    sums = f32x4.add(sums, f32x4.add(first, second));
  }
  if (at >= end) return sums;
  const power = f32x4.splat(reinterpret<f32>((127 + exponent) << 23));
  const last = f32x4.mul(exp4(f32x4.sub(v128.load(at), top)), power);
  v128.store(at, last);
  return f32x4.add(sums, last);
}

/** `bytes` of binary16, a multiple of 32, to float32. */
export function placeHalves(from: usize, bytes: usize, to: usize): void {
  const mask = opaque(PLACED_HALF);
  for (const end = from + bytes; from < end; from += 32, to += 64) {
    const a = placedHalf4(v128.load16x4_s(from), mask);
    const b = placedHalf4(v128.load16x4_s(from, 8), mask);
    const c = placedHalf4(v128.load16x4_s(from, 16), mask);
    const d = placedHalf4(v128.load16x4_s(from, 24), mask);
    storePair(to, a, b);
    v128.store(to, d, 48);
    v128.store(to, c, 32);
  }
}
