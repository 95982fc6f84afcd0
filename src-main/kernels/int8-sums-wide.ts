/** What int8-wide.ts adds of a block to the sums of four rows, in float32. */
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { XQ4_SCALE, XQ4_SCALED_SUM } from './quantize';
import { kept } from './wide';

/**
 * sums += integers * weight scales at `halves` * activation scales, and minimums * sums of the activations.
 * @param step bytes from the first panel's scales to the second's @param a0 the first row's integers of the first panel, and
 * of the second from `a2` on @param sums `f32[2][4][8]`
 */
// @ts-ignore: decorator
@inline
export function addTwoPanels(
  sums: usize,
  x: usize,
  halves: usize,
  step: usize,
  min: bool,
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  b0: v128,
  b1: v128,
  b2: v128,
  b3: v128,
  c0: v128,
  c1: v128,
  c2: v128,
  c3: v128,
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
): void {
  const mask = kept(PLACED_HALF);
  const others = halves + step;
  const w0 = placedHalf4(v128.load16x4_s(halves), mask);
  const w1 = placedHalf4(v128.load16x4_s(halves, 8), mask);
  const w2 = placedHalf4(v128.load16x4_s(others), mask);
  const w3 = placedHalf4(v128.load16x4_s(others, 8), mask);
  const m0 = min ? placedHalf4(v128.load16x4_s(halves, 16), mask) : w0;
  const m1 = min ? placedHalf4(v128.load16x4_s(halves, 24), mask) : w1;
  const m2 = min ? placedHalf4(v128.load16x4_s(others, 16), mask) : w2;
  const m3 = min ? placedHalf4(v128.load16x4_s(others, 24), mask) : w3;
  // Offsets are written out: where they are added before, V8 does not see that two addresses lie side by side.
  let scale = v128.load32_splat(x, XQ4_SCALE);
  let sum = min ? v128.load32_splat(x, XQ4_SCALED_SUM) : scale;
  let y0 = added(v128.load(sums), a0, w0, scale, min, m0, sum);
  let y1 = added(v128.load(sums, 16), a1, w1, scale, min, m1, sum);
  v128.store(sums, y1, 16);
  v128.store(sums, y0);
  y0 = added(v128.load(sums, 128), a2, w2, scale, min, m2, sum);
  y1 = added(v128.load(sums, 144), a3, w3, scale, min, m3, sum);
  v128.store(sums, y1, 144);
  v128.store(sums, y0, 128);
  scale = v128.load32_splat(x, XQ4_SCALE + 4);
  if (min) sum = v128.load32_splat(x, XQ4_SCALED_SUM + 4);
  y0 = added(v128.load(sums, 32), b0, w0, scale, min, m0, sum);
  y1 = added(v128.load(sums, 48), b1, w1, scale, min, m1, sum);
  v128.store(sums, y1, 48);
  v128.store(sums, y0, 32);
  y0 = added(v128.load(sums, 160), b2, w2, scale, min, m2, sum);
  y1 = added(v128.load(sums, 176), b3, w3, scale, min, m3, sum);
  v128.store(sums, y1, 176);
  v128.store(sums, y0, 160);
  scale = v128.load32_splat(x, XQ4_SCALE + 8);
  if (min) sum = v128.load32_splat(x, XQ4_SCALED_SUM + 8);
  y0 = added(v128.load(sums, 64), c0, w0, scale, min, m0, sum);
  y1 = added(v128.load(sums, 80), c1, w1, scale, min, m1, sum);
  v128.store(sums, y1, 80);
  v128.store(sums, y0, 64);
  y0 = added(v128.load(sums, 192), c2, w2, scale, min, m2, sum);
  y1 = added(v128.load(sums, 208), c3, w3, scale, min, m3, sum);
  v128.store(sums, y1, 208);
  v128.store(sums, y0, 192);
  scale = v128.load32_splat(x, XQ4_SCALE + 12);
  if (min) sum = v128.load32_splat(x, XQ4_SCALED_SUM + 12);
  y0 = added(v128.load(sums, 96), d0, w0, scale, min, m0, sum);
  y1 = added(v128.load(sums, 112), d1, w1, scale, min, m1, sum);
  v128.store(sums, y1, 112);
  v128.store(sums, y0, 96);
  y0 = added(v128.load(sums, 224), d2, w2, scale, min, m2, sum);
  y1 = added(v128.load(sums, 240), d3, w3, scale, min, m3, sum);
  v128.store(sums, y1, 240);
  v128.store(sums, y0, 224);
}

// @ts-ignore: decorator
@inline
export function added(y: v128, integers: v128, w: v128, scale: v128, min: bool, m: v128, sum: v128): v128 {
  const z = madd(f32x4.convert_i32x4_s(integers), f32x4.mul(w, scale), y);
  return min ? madd(m, sum, z) : z;
}
