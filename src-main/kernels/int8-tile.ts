/**
 * Four rows of 8-bit activations times a panel of 8 rows of weights: of 8 bits, or fewer that are unpacked meanwhile. Where
 * that does not pay, a panel is unpacked first, into a tile of 8-bit codes in blocks of 32 inputs:
 *
 *     f16 d[8]            scale of each row, or d[2][8]: of each half of the block
 *     f16 m[8]            minimum of each row, only with minimums
 *     u8  codes[8][8][4]  [j][row][i]: input 4j + i
 *
 * A weight is (code - zero) d, or code d + m. Sums within a block are exact integers; blocks are added in order, so a row
 * gives the same bits alone and among four.
 *
 * Four rows' float32 sums lie in memory between blocks. V8 loads whatever a loop's body loads before it computes, so
 * that eight integer sums, four activations and two vectors of codes are all that fits into sixteen registers.
 */
import { F16_INPUT_SCALE } from '../engine/executors/wasm/plan-layout';
import { dot4 } from './dot';
import { ROW_SUMS } from './epilogue';
import { storeRows } from './epilogue-rows';
import { dot, lane, widened } from './int8-row';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { XQ4_BLOCK, XQ4_LOW_SUM, XQ4_SCALE, XQ4_SCALED_SUM, XQ4_SUM } from './quantize';
import { fourthOfSixBits, TILE_BLOCK, TILE_BLOCK_HALVES, TILE_BLOCK_MIN } from './tile';
import { kept, NIBBLES, SIX_BITS } from './wide';

/** Adds the products of four rows of activations that lie together to the `f32[4][8]` at `sums`. */
// @ts-ignore: decorator
@inline
export function tileFourRows(
  x: usize,
  tile: usize,
  blocks: i32,
  zero: i32,
  min: bool,
  sums: usize,
): void {
  const shift = i32x4.splat(-zero);
  const placed = kept(PLACED_HALF);
  for (; blocks > 0; blocks--) {
    const start = min ? i32x4.splat(0) : i32x4.mul(v128.load(x, XQ4_SUM), shift);
    let a0 = lane(start, 0);
    let b0 = lane(start, 1);
    let c0 = lane(start, 2);
    let d0 = lane(start, 3);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    let codes = tile + (min ? 32 : 16);
    for (const end = x + 128; x < end; x += 16, codes += 32) {
      const w0 = v128.load(codes);
      const w1 = v128.load(codes, 16);
      const v = v128.load(x);
      const va = lane(v, 0);
      const vb = lane(v, 1);
      const vc = lane(v, 2);
      const vd = lane(v, 3);
      a0 = dot4(va, w0, a0);
      a1 = dot4(va, w1, a1);
      b0 = dot4(vb, w0, b0);
      b1 = dot4(vb, w1, b1);
      c0 = dot4(vc, w0, c0);
      c1 = dot4(vc, w1, c1);
      d0 = dot4(vd, w0, d0);
      d1 = dot4(vd, w1, d1);
    }
    x -= 128;
    addFourRows(sums, x, tile, min, a0, a1, b0, b1, c0, c1, d0, d1, placed);
    tile += min ? TILE_BLOCK_MIN : TILE_BLOCK;
    x += XQ4_BLOCK;
  }
}

/** As `tileFourRows`, with nibbles as they lie in memory (tile.ts says how). @param short sums of a block are of 16 bits */
// @ts-ignore: decorator
@inline
export function nibblesFourRows(
  x: usize,
  w: usize,
  blocks: i32,
  zero: i32,
  min: bool,
  short: bool,
  sums: usize,
): void {
  const mask = kept(NIBBLES);
  const placed = kept(PLACED_HALF);
  const shift = i32x4.splat(-zero);
  for (; blocks > 0; blocks--) {
    const start = min || short ? i32x4.splat(0) : i32x4.mul(v128.load(x, XQ4_SUM), shift);
    let a0 = lane(start, 0);
    let b0 = lane(start, 1);
    let c0 = lane(start, 2);
    let d0 = lane(start, 3);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    let codes = w + (min ? 32 : 16);
    for (const end = x + 64; x < end; x += 16, codes += 32) {
      const v = v128.load(x);
      const w0 = v128.and(v128.load(codes), mask);
      const w1 = v128.and(v128.load(codes, 16), mask);
      a0 = dot(short, lane(v, 0), w0, a0);
      a1 = dot(short, lane(v, 0), w1, a1);
      b0 = dot(short, lane(v, 1), w0, b0);
      b1 = dot(short, lane(v, 1), w1, b1);
      c0 = dot(short, lane(v, 2), w0, c0);
      c1 = dot(short, lane(v, 2), w1, c1);
      d0 = dot(short, lane(v, 3), w0, d0);
      d1 = dot(short, lane(v, 3), w1, d1);
    }
    codes -= 128;
    for (const end = x + 64; x < end; x += 16, codes += 32) {
      const v = v128.load(x);
      const w0 = v128.and(i16x8.shr_u(v128.load(codes), 4), mask);
      const w1 = v128.and(i16x8.shr_u(v128.load(codes, 16), 4), mask);
      a0 = dot(short, lane(v, 0), w0, a0);
      a1 = dot(short, lane(v, 0), w1, a1);
      b0 = dot(short, lane(v, 1), w0, b0);
      b1 = dot(short, lane(v, 1), w1, b1);
      c0 = dot(short, lane(v, 2), w0, c0);
      c1 = dot(short, lane(v, 2), w1, c1);
      d0 = dot(short, lane(v, 3), w0, d0);
      d1 = dot(short, lane(v, 3), w1, d1);
    }
    x -= 128;
    if (short) {
      const wide = min ? i32x4.splat(0) : i32x4.mul(v128.load(x, XQ4_SUM), shift);
      a0 = widened(true, a0, lane(wide, 0));
      a1 = widened(true, a1, lane(wide, 0));
      b0 = widened(true, b0, lane(wide, 1));
      b1 = widened(true, b1, lane(wide, 1));
      c0 = widened(true, c0, lane(wide, 2));
      c1 = widened(true, c1, lane(wide, 2));
      d0 = widened(true, d0, lane(wide, 3));
      d1 = widened(true, d1, lane(wide, 3));
    }
    addFourRows(sums, x, w, min, a0, a1, b0, b1, c0, c1, d0, d1, placed);
    w = codes;
    x += XQ4_BLOCK;
  }
}

/**
 * sums += integers * weight scales at `halves` * activation scales.
 * @param min minimums, behind the scales, count too: times the sums of the activations @param placed `kept(PLACED_HALF)`
 */
// @ts-ignore: decorator
@inline
function addFourRows(
  sums: usize,
  x: usize,
  halves: usize,
  min: bool,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
  placed: v128,
): void {
  const scales = v128.load(x, XQ4_SCALE);
  const scaled = min ? v128.load(x, XQ4_SCALED_SUM) : scales;
  const w0 = placedHalf4(v128.load16x4_s(halves), placed);
  const m0 = min ? placedHalf4(v128.load16x4_s(halves, 16), placed) : w0;
  addScaled(sums, a0, w0, lane(scales, 0), min, m0, lane(scaled, 0));
  addScaled(sums + ROW_SUMS, b0, w0, lane(scales, 1), min, m0, lane(scaled, 1));
  addScaled(sums + 2 * ROW_SUMS, c0, w0, lane(scales, 2), min, m0, lane(scaled, 2));
  addScaled(sums + 3 * ROW_SUMS, d0, w0, lane(scales, 3), min, m0, lane(scaled, 3));
  const w1 = placedHalf4(v128.load16x4_s(halves, 8), placed);
  const m1 = min ? placedHalf4(v128.load16x4_s(halves, 24), placed) : w1;
  addScaled(sums + 16, a1, w1, lane(scales, 0), min, m1, lane(scaled, 0));
  addScaled(sums + 16 + ROW_SUMS, b1, w1, lane(scales, 1), min, m1, lane(scaled, 1));
  addScaled(sums + 16 + 2 * ROW_SUMS, c1, w1, lane(scales, 2), min, m1, lane(scaled, 2));
  addScaled(sums + 16 + 3 * ROW_SUMS, d1, w1, lane(scales, 3), min, m1, lane(scaled, 3));
}

// @ts-ignore: decorator
@inline
function addScaled(sums: usize, integers: v128, w: v128, scale: v128, min: bool, m: v128, sum: v128): void {
  let y = madd(f32x4.convert_i32x4_s(integers), f32x4.mul(w, scale), v128.load(sums));
  if (min) y = madd(m, sum, y);
  v128.store(sums, y);
}

/**
 * Stores outputs of up to four rows and some panels of each strand.
 * @param sums `f32[panels][strands][4][8]` @param apart see strands.ts
 */
export function storeFourRows(op: usize, row: i32, rows: i32, panel: i32, panels: i32, strands: i32, apart: i32, sums: usize): void {
  storeRows(op, row, rows, panel, panels, strands, apart, sums, <f32>F16_INPUT_SCALE);
}

/** As `tileFourRows`, each half of a block with a scale of its own. */
export function halvesFourRows(x: usize, tile: usize, blocks: i32, sums: usize): void {
  const placed = kept(PLACED_HALF);
  for (; blocks > 0; blocks--) {
    for (let half: usize = 0; half < 2; half++) {
      let a0 = startOfHalf(x, half);
      let b0 = startOfHalf(x + 4, half);
      let c0 = startOfHalf(x + 8, half);
      let d0 = startOfHalf(x + 12, half);
      let a1 = a0;
      let b1 = b0;
      let c1 = c0;
      let d1 = d0;
      let codes = tile + 32 + half * 128;
      let at = x + half * 64;
      for (const end = codes + 128; codes < end; at += 16, codes += 32) {
        const w0 = v128.load(codes);
        const w1 = v128.load(codes, 16);
        const v = v128.load(at);
        const va = lane(v, 0);
        const vb = lane(v, 1);
        const vc = lane(v, 2);
        const vd = lane(v, 3);
        a0 = dot4(va, w0, a0);
        a1 = dot4(va, w1, a1);
        b0 = dot4(vb, w0, b0);
        b1 = dot4(vb, w1, b1);
        c0 = dot4(vc, w0, c0);
        c1 = dot4(vc, w1, c1);
        d0 = dot4(vd, w0, d0);
        d1 = dot4(vd, w1, d1);
      }
      addFourRows(sums, x, tile + half * 16, false, a0, a1, b0, b1, c0, c1, d0, d1, placed);
    }
    tile += TILE_BLOCK_HALVES;
    x += XQ4_BLOCK;
  }
}

/** As `tileFourRows`, with six-bit codes as they lie in memory: each half of a block has a scale of its own. */
export function sixBitsFourRows(x: usize, w: usize, blocks: i32, sums: usize): void {
  const mask = kept(SIX_BITS);
  const placed = kept(PLACED_HALF);
  for (; blocks > 0; blocks--) {
    for (let half: usize = 0; half < 2; half++) {
      let a0 = startOfHalf(x, half);
      let b0 = startOfHalf(x + 4, half);
      let c0 = startOfHalf(x + 8, half);
      let d0 = startOfHalf(x + 12, half);
      let a1 = a0;
      let b1 = b0;
      let c1 = c0;
      let d1 = d0;
      let codes = w + 32 + half * 96;
      let at = x + half * 64;
      for (const end = codes + 96; codes < end; at += 16, codes += 32) {
        const w0 = v128.and(v128.load(codes), mask);
        const w1 = v128.and(v128.load(codes, 16), mask);
        const v = v128.load(at);
        const va = lane(v, 0);
        const vb = lane(v, 1);
        const vc = lane(v, 2);
        const vd = lane(v, 3);
        a0 = dot4(va, w0, a0);
        a1 = dot4(va, w1, a1);
        b0 = dot4(vb, w0, b0);
        b1 = dot4(vb, w1, b1);
        c0 = dot4(vc, w0, c0);
        c1 = dot4(vc, w1, c1);
        d0 = dot4(vd, w0, d0);
        d1 = dot4(vd, w1, d1);
      }
      codes -= 96;
      const w0 = fourthOfSixBits(v128.load(codes), v128.load(codes, 32), v128.load(codes, 64), mask);
      // Never true: this only keeps V8 from loading all before it computes, for which there are too few registers.
      if (!codes) break;
      const w1 = fourthOfSixBits(v128.load(codes, 16), v128.load(codes, 48), v128.load(codes, 80), mask);
      if (!at) break;
      const v = v128.load(at);
      const va = lane(v, 0);
      const vb = lane(v, 1);
      const vc = lane(v, 2);
      const vd = lane(v, 3);
      a0 = dot4(va, w0, a0);
      a1 = dot4(va, w1, a1);
      b0 = dot4(vb, w0, b0);
      b1 = dot4(vb, w1, b1);
      c0 = dot4(vc, w0, c0);
      c1 = dot4(vc, w1, c1);
      d0 = dot4(vd, w0, d0);
      d1 = dot4(vd, w1, d1);
      addFourRows(sums, x, w + half * 16, false, a0, a1, b0, b1, c0, c1, d0, d1, placed);
    }
    w += 224;
    x += XQ4_BLOCK;
  }
}

/** -32, the code of weight 0, times the sum of the activations of one half. */
// @ts-ignore: decorator
@inline
function startOfHalf(x: usize, half: usize): v128 {
  const low = load<i32>(x, XQ4_LOW_SUM);
  return i32x4.splat(-32 * (half ? load<i32>(x, XQ4_SUM) - low : low));
}
