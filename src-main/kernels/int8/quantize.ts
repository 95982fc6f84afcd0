import {
  F16_INPUT_SCALE,
  OP_WIDTH,
  OP_X,
  OP_X_STRIDE,
  OP_Y,
  OP_Y_STRIDE,
  XQ_BLOCK,
  XQ_LOW_SUM,
  XQ_SCALE,
  XQ_SCALED_SUM,
  XQ_SUM,
} from '../../engine/executors/wasm/plan-layout';
import { ROUNDING } from '../base/math';
import { opaqueFloat, unfused } from '../base/wide';
import { lane } from './sums';

/**
 * Blocks of four rows that are multiplied together lie together, so that one pointer reaches them all: codes `[8][row][4]`,
 * then `[row]` of each of what else a block has.
 */
export const XQ4_BLOCK: usize = 192;
export const XQ4_SCALE: usize = 128;
export const XQ4_SUM: usize = 144;
export const XQ4_SCALED_SUM: usize = 160;
export const XQ4_LOW_SUM: usize = 176;

/** How many of the rows are multiplied in fours: three that are left over, too, as four take little longer. */
// @inline
export function inFours(rows: i32): i32 {
  return (rows + 1) & ~3;
}

/**
 * Rows of float32 to blocks of 32 signed 8-bit codes with one scale, the largest magnitude / 127 (as ggml's Q8_0).
 * @param rows of all: four and four lie together, what is left over alone, and three with the last of them twice
 */
export function quantizeRows(op: usize, rows: i32, from: i32, to: i32): void {
  const blocks = load<i32>(op, OP_WIDTH) / 32;
  const stride = <usize>load<i32>(op, OP_Y_STRIDE);
  const xStride = <usize>load<i32>(op, OP_X_STRIDE);
  const y = <usize>load<i32>(op, OP_Y);
  for (let row = from; row < to; row++) {
    const x = <usize>load<i32>(op, OP_X) + <usize>row * xStride;
    const group = y + <usize>(row & ~3) * stride;
    if (row >= inFours(rows)) quantizeAlone(x, y + <usize>row * stride, blocks);
    else if (row & 3 || min(row + 4, rows) > to) {
      quantizeOneOfFour(x, group + <usize>(row & 3) * 4, blocks);
      if ((row & 3) == 2 && row + 1 == rows) quantizeOneOfFour(x, group + 12, blocks);
    } else {
      quantizeFour(x, xStride, row + 4 > rows, group, blocks);
      row += 3;
    }
  }
}

function quantizeAlone(x: usize, y: usize, blocks: i32): void {
  for (; blocks > 0; blocks--, x += 128, y += XQ_BLOCK) quantizeBlock(x, y, false);
}

function quantizeOneOfFour(x: usize, y: usize, blocks: i32): void {
  for (; blocks > 0; blocks--, x += 128, y += XQ4_BLOCK) quantizeBlock(x, y, true);
}

/** Four rows that lie together: the same bits, with what each row has one of found for all at once. @param three the last row twice */
function quantizeFour(x: usize, stride: usize, three: bool, y: usize, blocks: i32): void {
  const most = opaqueFloat(127);
  const rounding = opaqueFloat(ROUNDING);
  const none = f32x4.splat(0);
  for (; blocks > 0; blocks--, x += 128, y += XQ4_BLOCK) {
    const x1 = x + stride;
    const x2 = x1 + stride;
    const x3 = three ? x2 : x2 + stride;
    const m = largestOfFour(largestOf(x), largestOf(x1), largestOf(x2), largestOf(x3));
    const scaled = f32x4.mul(f32x4.div(m, most), f32x4.splat(<f32>F16_INPUT_SCALE));
    // Without a value above 0, the quotient is infinite or not a number.
    const inverse = v128.and(f32x4.div(most, m), f32x4.gt(m, none));
    const i0 = unfused(lane(inverse, 0));
    const i1 = unfused(lane(inverse, 1));
    const i2 = unfused(lane(inverse, 2));
    const i3 = unfused(lane(inverse, 3));
    const lowSum = storeSixteen(
      codes16(x, i0, rounding),
      codes16(x1, i1, rounding),
      codes16(x2, i2, rounding),
      codes16(x3, i3, rounding),
      y,
    );
    const sum = i32x4.add(
      lowSum,
      storeSixteen(
        codes16(x + 64, i0, rounding),
        codes16(x1 + 64, i1, rounding),
        codes16(x2 + 64, i2, rounding),
        codes16(x3 + 64, i3, rounding),
        y + 64,
      ),
    );
    // From the lowest up: so V8 fuses nothing.
    v128.store(y, scaled, XQ4_SCALE);
    v128.store(y, sum, XQ4_SUM);
    v128.store(y, f32x4.mul(scaled, f32x4.convert_i32x4_s(sum)), XQ4_SCALED_SUM);
    v128.store(y, lowSum, XQ4_LOW_SUM);
  }
}

/** Of each of 32 values' fourths the largest magnitude. */
// @inline
function largestOf(x: usize): v128 {
  return larger(
    larger(
      larger(f32x4.abs(v128.load(x)), f32x4.abs(v128.load(x, 16))),
      larger(f32x4.abs(v128.load(x, 32)), f32x4.abs(v128.load(x, 48))),
    ),
    larger(
      larger(f32x4.abs(v128.load(x, 64)), f32x4.abs(v128.load(x, 80))),
      larger(f32x4.abs(v128.load(x, 96)), f32x4.abs(v128.load(x, 112))),
    ),
  );
}

/** The largest lane of each. */
// @inline
function largestOfFour(r0: v128, r1: v128, r2: v128, r3: v128): v128 {
  const a = larger(v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), v128.shuffle<i32>(r0, r1, 2, 6, 3, 7));
  const b = larger(v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), v128.shuffle<i32>(r2, r3, 2, 6, 3, 7));
  return larger(v128.shuffle<i64>(a, b, 0, 2), v128.shuffle<i64>(a, b, 1, 3));
}

/** Codes of four rows as `[4][row][4]`; gives each row's sum. */
// @inline
function storeSixteen(r0: v128, r1: v128, r2: v128, r3: v128, y: usize): v128 {
  let a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  let b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const w0 = v128.shuffle<i64>(a, b, 0, 2);
  const w1 = v128.shuffle<i64>(a, b, 1, 3);
  v128.store(y, w0);
  v128.store(y, w1, 16);
  a = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  b = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  const w2 = v128.shuffle<i64>(a, b, 0, 2);
  const w3 = v128.shuffle<i64>(a, b, 1, 3);
  v128.store(y, w2, 32);
  v128.store(y, w3, 48);
  const pairs = i16x8.add(
    i16x8.add(i16x8.extadd_pairwise_i8x16_s(w0), i16x8.extadd_pairwise_i8x16_s(w1)),
    i16x8.add(i16x8.extadd_pairwise_i8x16_s(w2), i16x8.extadd_pairwise_i8x16_s(w3)),
  );
  return i32x4.extadd_pairwise_i16x8_s(pairs);
}

// @inline
function codes16(x: usize, inverse: v128, rounding: v128): v128 {
  return i8x16.narrow_i16x8_s(
    codes8(v128.load(x), v128.load(x, 16), inverse, rounding),
    codes8(v128.load(x, 32), v128.load(x, 48), inverse, rounding),
  );
}

// @inline
function quantizeBlock(x: usize, y: usize, together: bool): void {
  const x0 = v128.load(x);
  const x1 = v128.load(x, 16);
  const x2 = v128.load(x, 32);
  const x3 = v128.load(x, 48);
  const x4 = v128.load(x, 64);
  const x5 = v128.load(x, 80);
  const x6 = v128.load(x, 96);
  const x7 = v128.load(x, 112);
  const m = largest4(
    larger(
      larger(larger(f32x4.abs(x0), f32x4.abs(x1)), larger(f32x4.abs(x2), f32x4.abs(x3))),
      larger(larger(f32x4.abs(x4), f32x4.abs(x5)), larger(f32x4.abs(x6), f32x4.abs(x7))),
    ),
  );
  const scale = m / 127;
  const inverse = unfused(f32x4.splat(m > 0 ? 127 / m : 0));
  const rounding = f32x4.splat(ROUNDING);
  const low = i8x16.narrow_i16x8_s(codes8(x0, x1, inverse, rounding), codes8(x2, x3, inverse, rounding));
  const high = i8x16.narrow_i16x8_s(codes8(x4, x5, inverse, rounding), codes8(x6, x7, inverse, rounding));
  const lowSum = sumOf(low);
  const sum = lowSum + sumOf(high);
  const scaled = scale * <f32>F16_INPUT_SCALE;
  if (together) {
    v128.store32_lane(y, low, 0);
    v128.store32_lane(y, low, 1, 16);
    v128.store32_lane(y, low, 2, 32);
    v128.store32_lane(y, low, 3, 48);
    v128.store32_lane(y, high, 0, 64);
    v128.store32_lane(y, high, 1, 80);
    v128.store32_lane(y, high, 2, 96);
    v128.store32_lane(y, high, 3, 112);
  } else {
    v128.store(y, low);
    v128.store(y, high, 16);
  }
  store<f32>(y + (together ? XQ4_SCALE : XQ_SCALE), scaled);
  store<i32>(y + (together ? XQ4_SUM : XQ_SUM), sum);
  store<f32>(y + (together ? XQ4_SCALED_SUM : XQ_SCALED_SUM), scaled * <f32>sum);
  store<i32>(y + (together ? XQ4_LOW_SUM : XQ_LOW_SUM), lowSum);
}

// @inline
function sumOf(codes: v128): i32 {
  const sums = i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(codes));
  return (
    i32x4.extract_lane(sums, 0) +
    i32x4.extract_lane(sums, 1) +
    i32x4.extract_lane(sums, 2) +
    i32x4.extract_lane(sums, 3)
  );
}

/** Of magnitudes, whose bits are in order as integers are. NaN is the largest: it must not vanish. */
// @inline
function larger(a: v128, b: v128): v128 {
  return i32x4.max_s(a, b);
}

// @inline
function largest4(magnitudes: v128): f32 {
  const two = larger(
    magnitudes,
    i8x16.shuffle(magnitudes, magnitudes, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7),
  );
  const one = larger(two, i8x16.shuffle(two, two, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  return f32x4.extract_lane(one, 0);
}

// @inline
function codes8(a: v128, b: v128, inverse: v128, rounding: v128): v128 {
  return i16x8.narrow_i32x4_s(nearest(f32x4.mul(a, inverse), rounding), nearest(f32x4.mul(b, inverse), rounding));
}

/** The nearest integers, ties to even, of magnitudes far below 2^22. */
// @inline
function nearest(x: v128, rounding: v128): v128 {
  return i32x4.sub(f32x4.add(x, rounding), rounding);
}
