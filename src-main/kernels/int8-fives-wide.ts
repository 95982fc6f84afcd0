/**
 * One row of 8-bit activations times panels of five-bit weights that take turns, as int8-strands.ts does for others, to the
 * bits of int8-row.ts and in the shape that wide.ts describes.
 */
import { XQ_BLOCK, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { dot4 } from './dot';
import { clearSums } from './int8-row';
import { SUMS, storePanels } from './int8-strands';
import { addPanel } from './int8-strands-wide';
import { PLACED_HALF } from './math';
import { highFives, lowFives } from './tile';
import { FIFTH_BITS, kept, NIBBLES } from './wide';

/** Parameters as of `nibblesInTurns`. */
// @ts-ignore: decorator
@inline
export function fivesInTurns(
  op: usize,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  strands: i32,
  apart: i32,
  min: bool,
  sums: usize,
): void {
  const bytes: usize = min ? 192 : 176;
  const mask = kept(NIBBLES);
  const bit = kept(FIFTH_BITS);
  const shift = kept(-16);
  const half = kept(PLACED_HALF);
  const end = sums + <usize>strands * SUMS;
  clearSums(sums, 2);
  for (; blocks > 0; blocks--, w += bytes, x += XQ_BLOCK) {
    let at = w;
    for (let y = sums; y < end; y += 2 * SUMS, at += 2 * step) {
      wideFives(x, x, false, at, min, y, y, shift, mask, bit, half);
      wideFives(x, x, false, at + step, min, y + SUMS, y, shift, mask, bit, half);
    }
  }
  storePanels(op, row, panel, strands, apart, sums);
}

/**
 * A block of one panel and one row, or two where `two`. Bit j of a byte of fifth bits belongs to the low nibble of step j,
 * bit 4 + j to the high one.
 * @param other the second row @param sums `f32[8]` of the first row @param otherSums of the second @param bit FIFTH_BITS in each lane
 */
// @ts-ignore: decorator
@inline
export function wideFives(x: usize, other: usize, two: bool, w: usize, min: bool, sums: usize, otherSums: usize, shift: v128, mask: v128, bit: v128, half: v128): void {
  const none = i32x4.splat(0);
  let s0 = min ? none : i32x4.mul(v128.load32_splat(x, XQ_SUM), shift);
  let s1 = s0;
  let p0 = none;
  let p1 = none;
  let c0 = min || !two ? none : i32x4.mul(v128.load32_splat(other, XQ_SUM), shift);
  let c1 = c0;
  let e0 = none;
  let e1 = none;
  let codes = w + (min ? 32 : 16);
  let b0 = v128.load(codes, 128);
  let b1 = v128.load(codes, 144);
  let a = x;
  let b = other;
  for (const end = x + 16; a < end; a += 4, codes += 32) {
    const low = v128.load32_splat(a);
    const high = v128.load32_splat(a, 16);
    const n0 = v128.load(codes);
    const n1 = v128.load(codes, 16);
    const low0 = lowFives(n0, b0, mask, bit);
    const low1 = lowFives(n1, b1, mask, bit);
    const high0 = highFives(n0, b0, mask, bit);
    const high1 = highFives(n1, b1, mask, bit);
    s0 = dot4(low, low0, s0);
    s1 = dot4(low, low1, s1);
    p0 = dot4(high, high0, p0);
    p1 = dot4(high, high1, p1);
    if (two) {
      const otherLow = v128.load32_splat(b);
      const otherHigh = v128.load32_splat(b, 16);
      c0 = dot4(otherLow, low0, c0);
      c1 = dot4(otherLow, low1, c1);
      e0 = dot4(otherHigh, high0, e0);
      e1 = dot4(otherHigh, high1, e1);
      b += 4;
    }
    b0 = i16x8.shr_u(b0, 1);
    b1 = i16x8.shr_u(b1, 1);
  }
  let scale = v128.load32_splat(x, XQ_SCALE);
  let sum = min ? v128.load32_splat(x, XQ_SCALED_SUM) : scale;
  addPanel(scale, sum, w, min, i32x4.add(s0, p0), i32x4.add(s1, p1), sums, half);
  if (!two) return;
  scale = v128.load32_splat(other, XQ_SCALE);
  sum = min ? v128.load32_splat(other, XQ_SCALED_SUM) : scale;
  addPanel(scale, sum, w, min, i32x4.add(c0, e0), i32x4.add(c1, e1), otherSums, half);
}
