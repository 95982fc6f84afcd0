/**
 * Products of 8-bit activations with a panel of 8 rows of 8-bit weights, the form that every integer layout is brought
 * into. A panel is blocks of 32 inputs:
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
import { XQ_BLOCK, XQ_LOW_SUM, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { dot4 } from './dot';
import { storeScaled } from './int8-row';
import { madd, placedHalf4 } from './math';

export const TILE_BLOCK: usize = 272;
export const TILE_BLOCK_MIN: usize = 288;
export const TILE_BLOCK_HALVES: usize = 288;
/** Bytes of the sums of four rows. */
const ROW_SUMS: usize = 32;

/** One row of activations. */
// @ts-ignore: decorator
@inline
export function tileRow(op: usize, x: usize, tile: usize, blocks: i32, row: i32, panel: i32, zero: i32, min: bool): void {
  const shift = i32x4.splat(-zero);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    let s0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ_SUM), shift);
    let s1 = s0;
    let codes = tile + (min ? 32 : 16);
    for (const end = x + 32; x < end; x += 4, codes += 32) {
      const a = v128.load32_splat(x);
      s0 = dot4(a, v128.load(codes), s0);
      s1 = dot4(a, v128.load(codes, 16), s1);
    }
    const scale = v128.load32_splat(x, XQ_SCALE - 32);
    y0 = madd(f32x4.convert_i32x4_s(s0), f32x4.mul(placedHalf4(v128.load16x4_s(tile)), scale), y0);
    y1 = madd(f32x4.convert_i32x4_s(s1), f32x4.mul(placedHalf4(v128.load16x4_s(tile, 8)), scale), y1);
    if (min) {
      const sum = v128.load32_splat(x, XQ_SCALED_SUM - 32);
      y0 = madd(placedHalf4(v128.load16x4_s(tile, 16)), sum, y0);
      y1 = madd(placedHalf4(v128.load16x4_s(tile, 24)), sum, y1);
    }
    tile += min ? TILE_BLOCK_MIN : TILE_BLOCK;
    x += XQ_BLOCK - 32;
  }
  storeScaled(op, row, panel, y0, y1);
}

/** Four rows of activations, `stride` bytes apart; `sums` is 128 bytes of room. */
// @ts-ignore: decorator
@inline
export function tileFourRows(
  op: usize,
  x: usize,
  stride: usize,
  tile: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  zero: i32,
  min: bool,
  sums: usize,
): void {
  const shift = i32x4.splat(-zero);
  memory.fill(sums, 0, 4 * ROW_SUMS);
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  for (; blocks > 0; blocks--) {
    let a0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ_SUM), shift);
    let b0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(xb, XQ_SUM), shift);
    let c0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(xc, XQ_SUM), shift);
    let d0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(xd, XQ_SUM), shift);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    const codes = tile + (min ? 32 : 16);
    for (let j: usize = 0; j < 8; j++) {
      const w0 = v128.load(codes + j * 32);
      const w1 = v128.load(codes + j * 32, 16);
      const va = v128.load32_splat(x + j * 4);
      const vb = v128.load32_splat(xb + j * 4);
      const vc = v128.load32_splat(xc + j * 4);
      const vd = v128.load32_splat(xd + j * 4);
      a0 = dot4(va, w0, a0);
      a1 = dot4(va, w1, a1);
      b0 = dot4(vb, w0, b0);
      b1 = dot4(vb, w1, b1);
      c0 = dot4(vc, w0, c0);
      c1 = dot4(vc, w1, c1);
      d0 = dot4(vd, w0, d0);
      d1 = dot4(vd, w1, d1);
    }
    const w0 = placedHalf4(v128.load16x4_s(tile));
    const w1 = placedHalf4(v128.load16x4_s(tile, 8));
    addScaled(sums, a0, a1, w0, w1, v128.load32_splat(x, XQ_SCALE));
    addScaled(sums + ROW_SUMS, b0, b1, w0, w1, v128.load32_splat(xb, XQ_SCALE));
    addScaled(sums + 2 * ROW_SUMS, c0, c1, w0, w1, v128.load32_splat(xc, XQ_SCALE));
    addScaled(sums + 3 * ROW_SUMS, d0, d1, w0, w1, v128.load32_splat(xd, XQ_SCALE));
    if (min) {
      const m0 = placedHalf4(v128.load16x4_s(tile, 16));
      const m1 = placedHalf4(v128.load16x4_s(tile, 24));
      addProduct(sums, m0, m1, v128.load32_splat(x, XQ_SCALED_SUM));
      addProduct(sums + ROW_SUMS, m0, m1, v128.load32_splat(xb, XQ_SCALED_SUM));
      addProduct(sums + 2 * ROW_SUMS, m0, m1, v128.load32_splat(xc, XQ_SCALED_SUM));
      addProduct(sums + 3 * ROW_SUMS, m0, m1, v128.load32_splat(xd, XQ_SCALED_SUM));
    }
    tile += min ? TILE_BLOCK_MIN : TILE_BLOCK;
    x += XQ_BLOCK;
    xb += XQ_BLOCK;
    xc += XQ_BLOCK;
    xd += XQ_BLOCK;
  }
  for (let i = 0; i < 4; i++) {
    const at = sums + <usize>i * ROW_SUMS;
    storeScaled(op, row + i, panel, v128.load(at), v128.load(at, 16));
  }
}

/** sums += integers * weight scales * activation scale. */
// @ts-ignore: decorator
@inline
function addScaled(sums: usize, s0: v128, s1: v128, w0: v128, w1: v128, scale: v128): void {
  v128.store(sums, madd(f32x4.convert_i32x4_s(s0), f32x4.mul(w0, scale), v128.load(sums)));
  v128.store(sums, madd(f32x4.convert_i32x4_s(s1), f32x4.mul(w1, scale), v128.load(sums, 16)), 16);
}

// @ts-ignore: decorator
@inline
function addProduct(sums: usize, m0: v128, m1: v128, factor: v128): void {
  v128.store(sums, madd(m0, factor, v128.load(sums)));
  v128.store(sums, madd(m1, factor, v128.load(sums, 16)), 16);
}

/** As `tileRow`, each half of a block with a scale of its own. */
export function tileRowHalves(op: usize, x: usize, tile: usize, blocks: i32, row: i32, panel: i32, zero: i32): void {
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    const scale = v128.load32_splat(x, XQ_SCALE);
    for (let half: usize = 0; half < 2; half++) {
      let s0 = i32x4.splat(-zero * sumOfHalf(x, half));
      let s1 = s0;
      for (let j: usize = 4 * half; j < 4 * half + 4; j++) {
        const a = v128.load32_splat(x + j * 4);
        s0 = dot4(a, v128.load(tile + j * 32, 32), s0);
        s1 = dot4(a, v128.load(tile + j * 32, 48), s1);
      }
      const d = tile + half * 16;
      y0 = madd(f32x4.convert_i32x4_s(s0), f32x4.mul(placedHalf4(v128.load16x4_s(d)), scale), y0);
      y1 = madd(f32x4.convert_i32x4_s(s1), f32x4.mul(placedHalf4(v128.load16x4_s(d, 8)), scale), y1);
    }
    tile += TILE_BLOCK_HALVES;
    x += XQ_BLOCK;
  }
  storeScaled(op, row, panel, y0, y1);
}

// @ts-ignore: decorator
@inline
function sumOfHalf(x: usize, half: usize): i32 {
  const low = load<i32>(x, XQ_LOW_SUM);
  return half ? load<i32>(x, XQ_SUM) - low : low;
}

/** As `tileFourRows`, each half of a block with a scale of its own. */
export function tileFourRowsHalves(
  op: usize,
  x: usize,
  stride: usize,
  tile: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  zero: i32,
  sums: usize,
): void {
  memory.fill(sums, 0, 4 * ROW_SUMS);
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  for (; blocks > 0; blocks--) {
    for (let half: usize = 0; half < 2; half++) {
      let a0 = i32x4.splat(-zero * sumOfHalf(x, half));
      let b0 = i32x4.splat(-zero * sumOfHalf(xb, half));
      let c0 = i32x4.splat(-zero * sumOfHalf(xc, half));
      let d0 = i32x4.splat(-zero * sumOfHalf(xd, half));
      let a1 = a0;
      let b1 = b0;
      let c1 = c0;
      let d1 = d0;
      for (let j: usize = 4 * half; j < 4 * half + 4; j++) {
        const w0 = v128.load(tile + j * 32, 32);
        const w1 = v128.load(tile + j * 32, 48);
        const va = v128.load32_splat(x + j * 4);
        const vb = v128.load32_splat(xb + j * 4);
        const vc = v128.load32_splat(xc + j * 4);
        const vd = v128.load32_splat(xd + j * 4);
        a0 = dot4(va, w0, a0);
        a1 = dot4(va, w1, a1);
        b0 = dot4(vb, w0, b0);
        b1 = dot4(vb, w1, b1);
        c0 = dot4(vc, w0, c0);
        c1 = dot4(vc, w1, c1);
        d0 = dot4(vd, w0, d0);
        d1 = dot4(vd, w1, d1);
      }
      const d = tile + half * 16;
      const w0 = placedHalf4(v128.load16x4_s(d));
      const w1 = placedHalf4(v128.load16x4_s(d, 8));
      addScaled(sums, a0, a1, w0, w1, v128.load32_splat(x, XQ_SCALE));
      addScaled(sums + ROW_SUMS, b0, b1, w0, w1, v128.load32_splat(xb, XQ_SCALE));
      addScaled(sums + 2 * ROW_SUMS, c0, c1, w0, w1, v128.load32_splat(xc, XQ_SCALE));
      addScaled(sums + 3 * ROW_SUMS, d0, d1, w0, w1, v128.load32_splat(xd, XQ_SCALE));
    }
    tile += TILE_BLOCK_HALVES;
    x += XQ_BLOCK;
    xb += XQ_BLOCK;
    xc += XQ_BLOCK;
    xd += XQ_BLOCK;
  }
  for (let i = 0; i < 4; i++) {
    const at = sums + <usize>i * ROW_SUMS;
    storeScaled(op, row + i, panel, v128.load(at), v128.load(at, 16));
  }
}
