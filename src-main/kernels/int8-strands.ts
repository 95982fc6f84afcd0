/**
 * One row of 8-bit activations times four or eight panels of weights, block by block in turns (strands.ts says why), two
 * panels side by side: the bits are those of int8-row.ts.
 */
import { XQ_BLOCK, XQ_LOW_SUM, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { dot4 } from './dot';
import { clearSums, dot, sixBits, storeScaled, widened } from './int8-row';
import { wideNibbles, wideQ6, wideQ8 } from './int8-strands-wide';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { lookUp } from './tile';
import { kept, NIBBLES, SIX_BITS } from './wide';

/** Bytes of the sums of one panel. */
export const SUMS: usize = 32;

/** sums += integers * weight scales at `halves` * activation scale. */
// @ts-ignore: decorator
@inline
function addScaled(sums: usize, integers: v128, halves: usize, scale: v128, half: v128): void {
  const factors = f32x4.mul(placedHalf4(v128.load16x4_s(halves), half), scale);
  v128.store(sums, madd(f32x4.convert_i32x4_s(integers), factors, v128.load(sums)));
}

/** The same, and minimums at 16 bytes behind the scales * sum of the activations. */
// @ts-ignore: decorator
@inline
function addScaledMin(sums: usize, integers: v128, halves: usize, scale: v128, min: bool, sum: v128, half: v128): void {
  const factors = f32x4.mul(placedHalf4(v128.load16x4_s(halves), half), scale);
  let y = madd(f32x4.convert_i32x4_s(integers), factors, v128.load(sums));
  if (min) y = madd(placedHalf4(v128.load16x4_s(halves, 16), half), sum, y);
  v128.store(sums, y);
}

// @ts-ignore: decorator
@inline
export function storePanels(op: usize, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  for (const end = sums + <usize>strands * SUMS; sums < end; sums += SUMS, panel += apart) {
    storeScaled(op, row, panel, v128.load(sums), v128.load(sums, 16));
  }
}

/** Parameters as of `rowNibbles`. @param step bytes from one strand to the next @param apart panels */
// @ts-ignore: decorator
@inline
export function nibblesInTurns(
  op: usize,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  strands: i32,
  apart: i32,
  zero: i32,
  min: bool,
  look: bool,
  short: bool,
  table: v128,
  sums: usize,
): void {
  const bytes: usize = min ? 160 : 144;
  const mask = kept(NIBBLES);
  const shift = kept(-zero);
  const half = kept(PLACED_HALF);
  const end = sums + <usize>strands * SUMS;
  clearSums(sums, 2);
  for (; blocks > 0; blocks--) {
    let at = w;
    for (let y = sums; y < end; y += 2 * SUMS, at += 2 * step) {
      if (WIDE && !look && !short) wideNibbles(x, x, false, at, step, min, y, y, SUMS, shift, mask, half);
      else nibbleBlocks(x, at, step, zero, min, look, short, table, y, mask, half);
    }
    w += bytes;
    x += XQ_BLOCK;
  }
  storePanels(op, row, panel, strands, apart, sums);
}

/** A block of each of two panels. */
// @ts-ignore: decorator
@inline
function nibbleBlocks(
  x: usize,
  w: usize,
  step: usize,
  zero: i32,
  min: bool,
  look: bool,
  short: bool,
  table: v128,
  sums: usize,
  mask: v128,
  half: v128,
): void {
  const start = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ_SUM), i32x4.splat(-zero));
  let s0 = short ? i32x4.splat(0) : start;
  let s1 = s0;
  let t0 = s0;
  let t1 = s0;
  let codes = w + (min ? 32 : 16);
  let others = codes + step;
  let a = x;
  for (const end = x + 16; a < end; a += 4, codes += 32, others += 32) {
    const low = v128.load32_splat(a);
    const high = v128.load32_splat(a, 16);
    let n = v128.load(codes);
    s0 = dot(short, low, code(v128.and(n, mask), look, table), s0);
    s0 = dot(short, high, code(v128.and(i16x8.shr_u(n, 4), mask), look, table), s0);
    n = v128.load(codes, 16);
    s1 = dot(short, low, code(v128.and(n, mask), look, table), s1);
    s1 = dot(short, high, code(v128.and(i16x8.shr_u(n, 4), mask), look, table), s1);
    n = v128.load(others);
    t0 = dot(short, low, code(v128.and(n, mask), look, table), t0);
    t0 = dot(short, high, code(v128.and(i16x8.shr_u(n, 4), mask), look, table), t0);
    n = v128.load(others, 16);
    t1 = dot(short, low, code(v128.and(n, mask), look, table), t1);
    t1 = dot(short, high, code(v128.and(i16x8.shr_u(n, 4), mask), look, table), t1);
  }
  const scale = v128.load32_splat(x, XQ_SCALE);
  const sum = v128.load32_splat(x, XQ_SCALED_SUM);
  addScaledMin(sums, widened(short, s0, start), w, scale, min, sum, half);
  addScaledMin(sums + 16, widened(short, s1, start), w + 8, scale, min, sum, half);
  addScaledMin(sums + SUMS, widened(short, t0, start), w + step, scale, min, sum, half);
  addScaledMin(sums + SUMS + 16, widened(short, t1, start), w + step + 8, scale, min, sum, half);
}

// @ts-ignore: decorator
@inline
function code(nibbles: v128, look: bool, table: v128): v128 {
  return look ? lookUp(table, nibbles) : nibbles;
}

export function q8InTurns(
  op: usize,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  strands: i32,
  apart: i32,
  zero: i32,
  sums: usize,
): void {
  const shift = kept(-zero);
  const half = kept(PLACED_HALF);
  const end = sums + <usize>strands * SUMS;
  clearSums(sums, 2);
  for (; blocks > 0; blocks--) {
    let at = w;
    for (let y = sums; y < end; y += 2 * SUMS, at += 2 * step) {
      if (WIDE) wideQ8(x, x, false, at, step, y, y, SUMS, shift, half);
      else q8Blocks(x, at, step, zero, y, half);
    }
    w += 272;
    x += XQ_BLOCK;
  }
  storePanels(op, row, panel, strands, apart, sums);
}

// @ts-ignore: decorator
@inline
function q8Blocks(x: usize, w: usize, step: usize, zero: i32, sums: usize, half: v128): void {
  let s0 = i32x4.mul(v128.load32_splat(x, XQ_SUM), i32x4.splat(-zero));
  let s1 = s0;
  let t0 = s0;
  let t1 = s0;
  let codes = w + 16;
  let others = codes + step;
  let a = x;
  for (const end = x + 32; a < end; a += 4, codes += 32, others += 32) {
    const v = v128.load32_splat(a);
    s0 = dot4(v, v128.load(codes), s0);
    s1 = dot4(v, v128.load(codes, 16), s1);
    t0 = dot4(v, v128.load(others), t0);
    t1 = dot4(v, v128.load(others, 16), t1);
  }
  const scale = v128.load32_splat(x, XQ_SCALE);
  addScaled(sums, s0, w, scale, half);
  addScaled(sums + 16, s1, w + 8, scale, half);
  addScaled(sums + SUMS, t0, w + step, scale, half);
  addScaled(sums + SUMS + 16, t1, w + step + 8, scale, half);
}

export function q6InTurns(
  op: usize,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  strands: i32,
  apart: i32,
  sums: usize,
): void {
  const mask = kept(SIX_BITS);
  const half = kept(PLACED_HALF);
  const end = sums + <usize>strands * SUMS;
  clearSums(sums, 2);
  for (; blocks > 0; blocks--) {
    let at = w;
    for (let y = sums; y < end; y += 2 * SUMS, at += 2 * step) {
      if (WIDE) wideQ6(x, at, step, y, SUMS, mask, half);
      else q6Blocks(x, at, step, y, mask, half);
    }
    w += 224;
    x += XQ_BLOCK;
  }
  storePanels(op, row, panel, strands, apart, sums);
}

// @ts-ignore: decorator
@inline
function q6Blocks(x: usize, w: usize, step: usize, sums: usize, mask: v128, half: v128): void {
  const scale = v128.load32_splat(x, XQ_SCALE);
  const low = i32x4.shl(v128.load32_splat(x, XQ_LOW_SUM), 5);
  const high = i32x4.sub(i32x4.shl(v128.load32_splat(x, XQ_SUM), 5), low);
  q6Quarters(x, w + 32, w, step, low, scale, sums, mask, half);
  // Never true: it only keeps V8 from loading all before it computes, for which there are too few registers.
  if (!w) return;
  q6Quarters(x, w + 48, w + 8, step, low, scale, sums + 16, mask, half);
  if (!x) return;
  q6Quarters(x + 16, w + 128, w + 16, step, high, scale, sums, mask, half);
  if (!sums) return;
  q6Quarters(x + 16, w + 144, w + 24, step, high, scale, sums + 16, mask, half);
}

/** Half a block of four rows of each of two panels. @param halves their scales */
// @ts-ignore: decorator
@inline
function q6Quarters(x: usize, codes: usize, halves: usize, step: usize, shift: v128, scale: v128, sums: usize, mask: v128, half: v128): void {
  addScaled(sums, i32x4.sub(sixBits(x, codes, mask), shift), halves, scale, half);
  addScaled(sums + SUMS, i32x4.sub(sixBits(x, codes + step, mask), shift), halves + step, scale, half);
}
