/** Parts of attention.ts, to the same bits, in the shape that wide.ts describes. Addresses of scores are multiples of
 * 16; what is the same for all comes as a number, because a vector that is a parameter does not fuse. */
import {
  EXP_HIGHEST,
  EXP_LOWEST,
  EXP_TERM2,
  EXP_TERM3,
  EXP_TERM4,
  EXP_TERM5,
  EXP_TERM6,
  EXP_TERM7,
  exp4,
  exp4By,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  ROUNDING,
} from './math';
import { kept, keptFloat, PLACED_HALF, storePair, widePlacedHalf4 } from './wide';

/** Scores from `at` up to `end` times `factor`; gives four of which one is the highest. */
export function scaleWide(at: usize, end: usize, factor: f32): v128 {
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

/** Scores from `at` up to `end` to `factor` times e^(score - highest); gives four sums, each of every fourth one in order. */
export function exponentialsWide(at: usize, end: usize, highest: f32, factor: f32): v128 {
  const top = f32x4.splat(highest);
  const raise = f32x4.splat(factor);
  const lowest = keptFloat(EXP_LOWEST);
  const most = keptFloat(EXP_HIGHEST);
  const log2e = keptFloat(LOG2_E);
  const rounding = keptFloat(ROUNDING);
  const minusHigh = keptFloat(-LN2_HIGH);
  const minusLow = keptFloat(-LN2_LOW);
  const term7 = keptFloat(EXP_TERM7);
  const term6 = keptFloat(EXP_TERM6);
  const term5 = keptFloat(EXP_TERM5);
  const term4 = keptFloat(EXP_TERM4);
  const term3 = keptFloat(EXP_TERM3);
  const term2 = keptFloat(EXP_TERM2);
  const one = keptFloat(1);
  const bias = kept(127);
  let sums = f32x4.splat(0);
  for (; at + 16 < end; at += 32) {
    const low = v128.load(at);
    const high = v128.load(at, 16);
    const first = f32x4.mul(
      exp4By(f32x4.sub(low, top), lowest, most, log2e, rounding, minusHigh, minusLow, term7, term6, term5, term4, term3, term2, one, bias),
      raise,
    );
    const second = f32x4.mul(
      exp4By(f32x4.sub(high, top), lowest, most, log2e, rounding, minusHigh, minusLow, term7, term6, term5, term4, term3, term2, one, bias),
      raise,
    );
    storePair(at, first, second);
    sums = f32x4.add(f32x4.add(sums, first), second);
  }
  if (at >= end) return sums;
  const last = f32x4.mul(exp4(f32x4.sub(v128.load(at), top)), raise);
  v128.store(at, last);
  return f32x4.add(sums, last);
}

/** `bytes` of binary16, a multiple of 32, to float32. */
export function placeWide(from: usize, bytes: usize, to: usize): void {
  const mask = kept(PLACED_HALF);
  for (const end = from + bytes; from < end; from += 32, to += 64) {
    const a = widePlacedHalf4(v128.load16x4_s(from), mask);
    const b = widePlacedHalf4(v128.load16x4_s(from, 8), mask);
    const c = widePlacedHalf4(v128.load16x4_s(from, 16), mask);
    const d = widePlacedHalf4(v128.load16x4_s(from, 24), mask);
    storePair(to, a, b);
    v128.store(to, d, 48);
    v128.store(to, c, 32);
  }
}
