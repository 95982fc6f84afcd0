import { F16_INPUT_SCALE, OP_WIDTH, OP_X, OP_X_STRIDE, OP_Y, OP_Y_STRIDE, XQ_BLOCK, XQ_LOW_SUM, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { ROUNDING } from './math';

/** Rows of float32 to blocks of 32 signed 8-bit codes with one scale, the largest magnitude / 127 (as ggml's Q8_0). */
export function quantizeRows(op: usize, from: i32, to: i32): void {
  const blocks = load<i32>(op, OP_WIDTH) / 32;
  for (let row = from; row < to; row++) {
    const x = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE);
    const y = <usize>load<i32>(op, OP_Y) + row * load<i32>(op, OP_Y_STRIDE);
    for (let block = 0; block < blocks; block++) quantizeBlock(x + block * 128, y + <usize>block * XQ_BLOCK);
  }
}

function quantizeBlock(x: usize, y: usize): void {
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
  const inverse = f32x4.splat(m > 0 ? 127 / m : 0);
  const low = i8x16.narrow_i16x8_s(codes8(x0, x1, inverse), codes8(x2, x3, inverse));
  const high = i8x16.narrow_i16x8_s(codes8(x4, x5, inverse), codes8(x6, x7, inverse));
  v128.store(y, low);
  v128.store(y, high, 16);
  const lowSum = sumOf(low);
  const sum = lowSum + sumOf(high);
  const scaled = scale * <f32>F16_INPUT_SCALE;
  store<f32>(y, scaled, XQ_SCALE);
  store<i32>(y, sum, XQ_SUM);
  store<f32>(y, scaled * <f32>sum, XQ_SCALED_SUM);
  store<i32>(y, lowSum, XQ_LOW_SUM);
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
