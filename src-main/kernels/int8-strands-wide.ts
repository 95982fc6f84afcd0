/**
 * int8-strands.ts, written as wide.ts says: one row times a block of each of two panels, the two vectors of a panel side by
 * side. Bits are the same. Offsets are written out: where they are added before, V8 does not see that two addresses lie
 * side by side.
 */
import { XQ_LOW_SUM, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { dot4 } from './dot';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { fourthOfSixBits } from './tile';
import { kept } from './wide';

/** y + integers * weight scales at `halves` * activation scale, and minimums at 16 bytes behind the scales * sum. */
// @ts-ignore: decorator
@inline
function added(y: v128, integers: v128, halves: v128, scale: v128, min: bool, minimums: v128, sum: v128, mask: v128): v128 {
  const z = madd(f32x4.convert_i32x4_s(integers), f32x4.mul(placedHalf4(halves, mask), scale), y);
  return min ? madd(placedHalf4(minimums, mask), sum, z) : z;
}

/** @param sums `f32[8]` of the first panel @param next of the second */
// @ts-ignore: decorator
@inline
export function addPanels(x: usize, w: usize, v: usize, min: bool, s0: v128, s1: v128, t0: v128, t1: v128, sums: usize, next: usize, mask: v128): void {
  const scale = v128.load32_splat(x, XQ_SCALE);
  const sum = min ? v128.load32_splat(x, XQ_SCALED_SUM) : scale;
  addPanel(scale, sum, w, min, s0, s1, sums, mask);
  addPanel(scale, sum, v, min, t0, t1, next, mask);
}

/** @param scale of the activations @param sum of them */
// @ts-ignore: decorator
@inline
export function addPanel(scale: v128, sum: v128, w: usize, min: bool, s0: v128, s1: v128, sums: usize, mask: v128): void {
  const m0 = min ? v128.load16x4_s(w, 16) : scale;
  const m1 = min ? v128.load16x4_s(w, 24) : scale;
  const y0 = added(v128.load(sums), s0, v128.load16x4_s(w), scale, min, m0, sum, mask);
  const y1 = added(v128.load(sums, 16), s1, v128.load16x4_s(w, 8), scale, min, m1, sum, mask);
  v128.store(sums, y1, 16);
  v128.store(sums, y0);
}

// Below, `other` is the second of two rows where `two`: weights are loaded and unpacked once for both. The second panel's sums
// lie `panelSums` bytes after the first's.

/**
 * Nibbles of two panels. Low and high ones have sums of their own, which are in flight together.
 * @param shift `kept` of what stands for a weight of 0, negative, unless `min` @param half `kept(PLACED_HALF)`; two rows leave
 * no register for it, and make it anew
 */
// @ts-ignore: decorator
@inline
export function wideNibbles(
  x: usize,
  other: usize,
  two: bool,
  w: usize,
  step: usize,
  min: bool,
  sums: usize,
  otherSums: usize,
  panelSums: usize,
  shift: v128,
  mask: v128,
  half: v128,
): void {
  const none = i32x4.splat(0);
  let s0 = min ? none : startOf(x, shift);
  let s1 = s0;
  let t0 = s0;
  let t1 = s0;
  let p0 = none;
  let p1 = none;
  let q0 = none;
  let q1 = none;
  let c0 = min || !two ? none : startOf(other, shift);
  let c1 = c0;
  let d0 = c0;
  let d1 = c0;
  let e0 = none;
  let e1 = none;
  let f0 = none;
  let f1 = none;
  const v = w + step;
  let codes = w + (min ? 32 : 16);
  let others = codes + step;
  let a = x;
  let b = other;
  for (const end = x + 16; a < end; a += 4, codes += 32, others += 32) {
    const low = v128.load32_splat(a);
    const high = v128.load32_splat(a, 16);
    const n0 = v128.load(codes);
    const n1 = v128.load(codes, 16);
    const m0 = v128.load(others);
    const m1 = v128.load(others, 16);
    const low0 = v128.and(n0, mask);
    const low1 = v128.and(n1, mask);
    const high0 = v128.and(i16x8.shr_u(n0, 4), mask);
    const high1 = v128.and(i16x8.shr_u(n1, 4), mask);
    s0 = dot4(low, low0, s0);
    s1 = dot4(low, low1, s1);
    p0 = dot4(high, high0, p0);
    p1 = dot4(high, high1, p1);
    const low2 = v128.and(m0, mask);
    const low3 = v128.and(m1, mask);
    const high2 = v128.and(i16x8.shr_u(m0, 4), mask);
    const high3 = v128.and(i16x8.shr_u(m1, 4), mask);
    t0 = dot4(low, low2, t0);
    t1 = dot4(low, low3, t1);
    q0 = dot4(high, high2, q0);
    q1 = dot4(high, high3, q1);
    if (two) {
      const otherLow = v128.load32_splat(b);
      const otherHigh = v128.load32_splat(b, 16);
      c0 = dot4(otherLow, low0, c0);
      c1 = dot4(otherLow, low1, c1);
      e0 = dot4(otherHigh, high0, e0);
      e1 = dot4(otherHigh, high1, e1);
      d0 = dot4(otherLow, low2, d0);
      d1 = dot4(otherLow, low3, d1);
      f0 = dot4(otherHigh, high2, f0);
      f1 = dot4(otherHigh, high3, f1);
      b += 4;
    }
  }
  addPanels(x, w, v, min, i32x4.add(s0, p0), i32x4.add(s1, p1), i32x4.add(t0, q0), i32x4.add(t1, q1), sums, sums + panelSums, two ? kept(PLACED_HALF) : half);
  if (two) addPanels(other, w, v, min, i32x4.add(c0, e0), i32x4.add(c1, e1), i32x4.add(d0, f0), i32x4.add(d1, f1), otherSums, otherSums + panelSums, kept(PLACED_HALF));
}

// @ts-ignore: decorator
@inline
function startOf(x: usize, shift: v128): v128 {
  return i32x4.mul(v128.load32_splat(x, XQ_SUM), shift);
}

/** Eight-bit codes of two panels; parameters as of `wideNibbles`. */
// @ts-ignore: decorator
@inline
export function wideQ8(
  x: usize,
  other: usize,
  two: bool,
  w: usize,
  step: usize,
  sums: usize,
  otherSums: usize,
  panelSums: usize,
  shift: v128,
  half: v128,
): void {
  let s0 = startOf(x, shift);
  let s1 = s0;
  let t0 = s0;
  let t1 = s0;
  let c0 = two ? startOf(other, shift) : s0;
  let c1 = c0;
  let d0 = c0;
  let d1 = c0;
  const v = w + step;
  let codes = w + 16;
  let others = codes + step;
  let a = x;
  let b = other;
  for (const end = x + 32; a < end; a += 4, codes += 32, others += 32) {
    const c = v128.load32_splat(a);
    const w0 = v128.load(codes);
    const w1 = v128.load(codes, 16);
    const w2 = v128.load(others);
    const w3 = v128.load(others, 16);
    s0 = dot4(c, w0, s0);
    s1 = dot4(c, w1, s1);
    t0 = dot4(c, w2, t0);
    t1 = dot4(c, w3, t1);
    if (two) {
      const d = v128.load32_splat(b);
      c0 = dot4(d, w0, c0);
      c1 = dot4(d, w1, c1);
      d0 = dot4(d, w2, d0);
      d1 = dot4(d, w3, d1);
      b += 4;
    }
  }
  addPanels(x, w, v, false, s0, s1, t0, t1, sums, sums + panelSums, half);
  if (two) addPanels(other, w, v, false, c0, c1, d0, d1, otherSums, otherSums + panelSums, half);
}

// @ts-ignore: decorator
@inline
export function wideQ6(x: usize, w: usize, step: usize, sums: usize, panelSums: usize, mask: v128, half: v128): void {
  const low = i32x4.shl(v128.load32_splat(x, XQ_LOW_SUM), 5);
  const high = i32x4.sub(i32x4.shl(v128.load32_splat(x, XQ_SUM), 5), low);
  wideHalf(x, w + 32, w, step, low, x, sums, panelSums, mask, half);
  wideHalf(x + 16, w + 128, w + 16, step, high, x, sums, panelSums, mask, half);
}

/** Half a block of two panels. @param halves scales @param block of the activations */
// @ts-ignore: decorator
@inline
function wideHalf(x: usize, codes: usize, halves: usize, step: usize, shift: v128, block: usize, sums: usize, panelSums: usize, mask: v128, half: v128): void {
  const none = i32x4.splat(0);
  const others = codes + step;
  const x0 = v128.load32_splat(x);
  const x1 = v128.load32_splat(x, 4);
  const x2 = v128.load32_splat(x, 8);
  const x3 = v128.load32_splat(x, 12);
  const a0 = v128.load(codes);
  const a1 = v128.load(codes, 16);
  const b0 = v128.load(codes, 32);
  const b1 = v128.load(codes, 48);
  const c0 = v128.load(codes, 64);
  const c1 = v128.load(codes, 80);
  const s0 = sixteen(x0, x1, x2, x3, a0, b0, c0, mask, none);
  const s1 = sixteen(x0, x1, x2, x3, a1, b1, c1, mask, none);
  const d0 = v128.load(others);
  const d1 = v128.load(others, 16);
  const e0 = v128.load(others, 32);
  const e1 = v128.load(others, 48);
  const f0 = v128.load(others, 64);
  const f1 = v128.load(others, 80);
  const t0 = sixteen(x0, x1, x2, x3, d0, e0, f0, mask, none);
  const t1 = sixteen(x0, x1, x2, x3, d1, e1, f1, mask, none);
  addPanels(
    block,
    halves,
    halves + step,
    false,
    i32x4.sub(s0, shift),
    i32x4.sub(s1, shift),
    i32x4.sub(t0, shift),
    i32x4.sub(t1, shift),
    sums,
    sums + panelSums,
    half,
  );
}

/** 16 activations times 16 six-bit codes of each of four rows. */
// @ts-ignore: decorator
@inline
function sixteen(x0: v128, x1: v128, x2: v128, x3: v128, a: v128, b: v128, c: v128, mask: v128, none: v128): v128 {
  const s = dot4(x1, v128.and(b, mask), dot4(x0, v128.and(a, mask), none));
  return i32x4.add(s, dot4(x3, fourthOfSixBits(a, b, c, mask), dot4(x2, v128.and(c, mask), none)));
}
