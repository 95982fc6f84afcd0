import { F16_INPUT_SCALE, OP_WIDTH, OP_X, OP_X_STRIDE, OP_Y, OP_Y_STRIDE, XQ_BLOCK, XQ_LOW_SUM, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { ROUNDING } from './math';
import { unfused } from './wide';

/**
 * Blocks of four rows that are multiplied together lie together, so that one pointer reaches them all: codes `[8][row][4]`,
 * then `[row]` of each of what else a block has.
 */
export const XQ4_BLOCK: usize = 192;
export const XQ4_SCALE: usize = 128;
export const XQ4_SUM: usize = 144;
export const XQ4_SCALED_SUM: usize = 160;
export const XQ4_LOW_SUM: usize = 176;

/**
 * Rows of float32 to blocks of 32 signed 8-bit codes with one scale, the largest magnitude / 127 (as ggml's Q8_0).
 * @param rows of all: four and four lie together, what is left over alone
 */
export function quantizeRows(op: usize, rows: i32, from: i32, to: i32): void {
  const blocks = load<i32>(op, OP_WIDTH) / 32;
  const stride = <usize>load<i32>(op, OP_Y_STRIDE);
  const y = <usize>load<i32>(op, OP_Y);
  for (let row = from; row < to; row++) {
    const x = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE);
    if (row < (rows & ~3)) {
      const group = y + <usize>(row & ~3) * stride + <usize>(row & 3) * 4;
      for (let block = 0; block < blocks; block++) quantizeBlock(x + block * 128, group + <usize>block * XQ4_BLOCK, true);
    } else {
      const alone = y + <usize>row * stride;
      for (let block = 0; block < blocks; block++) quantizeBlock(x + block * 128, alone + <usize>block * XQ_BLOCK, false);
    }
  }
}

// @ts-ignore: decorator
@inline
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
  const low = i8x16.narrow_i16x8_s(codes8(x0, x1, inverse), codes8(x2, x3, inverse));
  const high = i8x16.narrow_i16x8_s(codes8(x4, x5, inverse), codes8(x6, x7, inverse));
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

// @ts-ignore: decorator
@inline
function sumOf(codes: v128): i32 {
  const sums = i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(codes));
  return (
    i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
  );
}

/** Of magnitudes, whose bits are in order as integers are. NaN is the largest: it must not vanish. */
// @ts-ignore: decorator
@inline
function larger(a: v128, b: v128): v128 {
  return i32x4.max_s(a, b);
}

// @ts-ignore: decorator
@inline
function largest4(magnitudes: v128): f32 {
  const two = larger(magnitudes, i8x16.shuffle(magnitudes, magnitudes, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const one = larger(two, i8x16.shuffle(two, two, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  return f32x4.extract_lane(one, 0);
}

// @ts-ignore: decorator
@inline
function codes8(a: v128, b: v128, inverse: v128): v128 {
  return i16x8.narrow_i32x4_s(nearest(f32x4.mul(a, inverse)), nearest(f32x4.mul(b, inverse)));
}

/** The nearest integers, ties to even, of magnitudes far below 2^22. */
// @ts-ignore: decorator
@inline
function nearest(x: v128): v128 {
  const rounding = f32x4.splat(ROUNDING);
  return i32x4.sub(f32x4.add(x, rounding), rounding);
}
