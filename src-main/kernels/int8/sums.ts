/** What kernels of 8-bit activations add to float32 sums, and the sums' beginning and end. */
import { ROW_SUMS, store8, unscaleOf } from '../base/epilogue';
import { storeRows } from '../base/epilogue-rows';
import { madd, placedHalf4 } from '../base/math';
import { XQ4_LOW_SUM, XQ4_SUM } from './quantize';

/** y + integers * weight scales * activation scale; scales come as bits in a float32, see half/linear.ts. @param half `opaque(PLACED_HALF)` */
// @inline
export function addScaled(y: v128, integers: v128, halves: usize, scale: v128, half: v128): v128 {
  return madd(f32x4.convert_i32x4_s(integers), f32x4.mul(placedHalf4(v128.load16x4_s(halves), half), scale), y);
}

/** The same for sums in memory, and minimums at 16 bytes behind the scales * sum of the activations. */
// @inline
export function addToSums(
  sums: usize,
  integers: v128,
  halves: usize,
  scale: v128,
  min: bool,
  sum: v128,
  half: v128,
): void {
  const factors = f32x4.mul(placedHalf4(v128.load16x4_s(halves), half), scale);
  let y = madd(f32x4.convert_i32x4_s(integers), factors, v128.load(sums));
  if (min) y = madd(placedHalf4(v128.load16x4_s(halves, 16), half), sum, y);
  v128.store(sums, y);
}

// @inline
export function addTo(sums: usize, integers: v128, w: v128, scale: v128, min: bool, m: v128, sum: v128): void {
  v128.store(sums, added(v128.load(sums), integers, w, scale, min, m, sum));
}

/** y + integers * weight scales * activation scale, and minimums * their sum. */
// @inline
export function added(y: v128, integers: v128, w: v128, scale: v128, min: bool, m: v128, sum: v128): v128 {
  const z = madd(f32x4.convert_i32x4_s(integers), f32x4.mul(w, scale), y);
  return min ? madd(m, sum, z) : z;
}

/**
 * Adds a panel of one row to the sums, written as base/wide.ts says.
 * @param scale of the activations @param sum of them, scaled @param w scales of the weights, and minimums behind them
 */
// @inline
export function addPanel(
  scale: v128,
  sum: v128,
  w: usize,
  min: bool,
  s0: v128,
  s1: v128,
  sums: usize,
  half: v128,
): void {
  const m0 = min ? placedHalf4(v128.load16x4_s(w, 16), half) : scale;
  const m1 = min ? placedHalf4(v128.load16x4_s(w, 24), half) : scale;
  const y0 = added(v128.load(sums), s0, placedHalf4(v128.load16x4_s(w), half), scale, min, m0, sum);
  const y1 = added(v128.load(sums, 16), s1, placedHalf4(v128.load16x4_s(w, 8), half), scale, min, m1, sum);
  v128.store(sums, y1, 16);
  v128.store(sums, y0);
}

/** Sums of 16 bits to sums of 32, which begin at `start`. */
// @inline
export function widened(sum: v128, start: v128): v128 {
  return i32x4.add(start, i32x4.extadd_pairwise_i16x8_s(sum));
}

/** The negative code of weight 0 times the sum of the activations of one half. */
// @inline
export function startOfHalf(x: usize, half: usize, zero: i32): v128 {
  const low = load<i32>(x, XQ4_LOW_SUM);
  return i32x4.splat(-zero * (half ? load<i32>(x, XQ4_SUM) - low : low));
}

/** One lane in all four: cheaper than a load of its own where loads check their address. */
// @inline
export function lane(v: v128, index: i32): v128 {
  if (index == 0) return v128.shuffle<i32>(v, v, 0, 0, 0, 0);
  if (index == 1) return v128.shuffle<i32>(v, v, 1, 1, 1, 1);
  if (index == 2) return v128.shuffle<i32>(v, v, 2, 2, 2, 2);
  return v128.shuffle<i32>(v, v, 3, 3, 3, 3);
}

/** Zeros for `count` times 128 bytes of sums: `memory.fill` leaves V8's compiled code, which takes as long as a block. */
// @inline
export function clearSums(sums: usize, count: usize): void {
  const zero = i32x4.splat(0);
  for (const end = sums + count * 128; sums < end; sums += 128) {
    v128.store(sums, zero);
    v128.store(sums, zero, 16);
    v128.store(sums, zero, 32);
    v128.store(sums, zero, 48);
    v128.store(sums, zero, 64);
    v128.store(sums, zero, 80);
    v128.store(sums, zero, 96);
    v128.store(sums, zero, 112);
  }
}

// @inline
export function storeScaled(op: usize, row: i32, panel: i32, low: v128, high: v128): void {
  const unscale = f32x4.splat(unscaleOf(op));
  store8(op, row, panel, f32x4.mul(low, unscale), f32x4.mul(high, unscale));
}

// @inline
export function storePanels(op: usize, row: i32, panel: i32, streams: i32, apart: i32, sums: usize): void {
  for (const end = sums + <usize>streams * ROW_SUMS; sums < end; sums += ROW_SUMS, panel += apart) {
    storeScaled(op, row, panel, v128.load(sums), v128.load(sums, 16));
  }
}

/**
 * Stores outputs of up to four rows and some panels of each stream.
 * @param sums `f32[panels][streams][4][8]` @param apart see base/streams.ts
 */
export function storeFourRows(
  op: usize,
  row: i32,
  rows: i32,
  panel: i32,
  panels: i32,
  streams: i32,
  apart: i32,
  sums: usize,
): void {
  storeRows(op, row, rows, panel, panels, streams, apart, sums, unscaleOf(op));
}
