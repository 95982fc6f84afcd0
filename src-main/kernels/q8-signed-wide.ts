/** Parts of linear-q8-signed.ts, to the same bits, in the shape that wide.ts describes. */
import { XQ_BLOCK } from '../engine/executors/wasm/plan-layout';
import { dot4, signed } from './dot';
import { clearSums } from './int8-row';
import { addPanels } from './int8-strands-wide';
import { added } from './int8-sums-wide';
import { XQ4_BLOCK, XQ4_SCALE } from './quantize';
import { PLACED_HALF, placedHalf4 } from './math';
import { kept } from './wide';

const BLOCK: usize = 272;
/** Bytes of the sums of two panels. */
const TWO_PANELS: usize = 64;

/** Products of four rows and a panel. @param sums `f32[4][8]` */
export function signedFourRowsWide(x: usize, w: usize, blocks: i32, sums: usize): void {
  const none = i8x16.splat(0);
  clearSums(sums, 1);
  for (; blocks > 0; blocks--) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    let codes = w + 16;
    for (const end = x + 128; x < end; x += 16, codes += 32) {
      const w0 = v128.load(codes);
      const w1 = v128.load(codes, 16);
      const sign0 = i8x16.lt_s(w0, none);
      const sign1 = i8x16.lt_s(w1, none);
      const size0 = i8x16.abs(w0);
      const size1 = i8x16.abs(w1);
      let v = v128.load32_splat(x);
      a0 = dot4(signed(v, sign0), size0, a0);
      a1 = dot4(signed(v, sign1), size1, a1);
      v = v128.load32_splat(x, 4);
      b0 = dot4(signed(v, sign0), size0, b0);
      b1 = dot4(signed(v, sign1), size1, b1);
      v = v128.load32_splat(x, 8);
      c0 = dot4(signed(v, sign0), size0, c0);
      c1 = dot4(signed(v, sign1), size1, c1);
      v = v128.load32_splat(x, 12);
      d0 = dot4(signed(v, sign0), size0, d0);
      d1 = dot4(signed(v, sign1), size1, d1);
    }
    x -= 128;
    addFourRows(sums, x, w, a0, a1, b0, b1, c0, c1, d0, d1);
    w += BLOCK;
    x += XQ4_BLOCK;
  }
}

/** sums += integers * weight scales at `halves` * activation scales. */
// @ts-ignore: decorator
@inline
function addFourRows(
  sums: usize,
  x: usize,
  halves: usize,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
): void {
  const mask = kept(PLACED_HALF);
  const w0 = placedHalf4(v128.load16x4_s(halves), mask);
  const w1 = placedHalf4(v128.load16x4_s(halves, 8), mask);
  let scale = v128.load32_splat(x, XQ4_SCALE);
  let y0 = added(v128.load(sums), a0, w0, scale, false, w0, scale);
  let y1 = added(v128.load(sums, 16), a1, w1, scale, false, w1, scale);
  v128.store(sums, y1, 16);
  v128.store(sums, y0);
  scale = v128.load32_splat(x, XQ4_SCALE + 4);
  y0 = added(v128.load(sums, 32), b0, w0, scale, false, w0, scale);
  y1 = added(v128.load(sums, 48), b1, w1, scale, false, w1, scale);
  v128.store(sums, y1, 48);
  v128.store(sums, y0, 32);
  scale = v128.load32_splat(x, XQ4_SCALE + 8);
  y0 = added(v128.load(sums, 64), c0, w0, scale, false, w0, scale);
  y1 = added(v128.load(sums, 80), c1, w1, scale, false, w1, scale);
  v128.store(sums, y1, 80);
  v128.store(sums, y0, 64);
  scale = v128.load32_splat(x, XQ4_SCALE + 12);
  y0 = added(v128.load(sums, 96), d0, w0, scale, false, w0, scale);
  y1 = added(v128.load(sums, 112), d1, w1, scale, false, w1, scale);
  v128.store(sums, y1, 112);
  v128.store(sums, y0, 96);
}

/** One row and panels that take turns. @param step bytes from one to the next @param end of their sums, `f32[panels][8]` */
export function signedInTurnsWide(x: usize, w: usize, step: usize, blocks: i32, sums: usize, end: usize): void {
  for (; blocks > 0; blocks--) {
    let at = w;
    for (let y = sums; y < end; y += TWO_PANELS, at += 2 * step) addBlocks(x, at, at + step, y);
    w += BLOCK;
    x += XQ_BLOCK;
  }
}

// @ts-ignore: decorator
@inline
function addBlocks(x: usize, w: usize, v: usize, sums: usize): void {
  const none = i8x16.splat(0);
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let t0 = s0;
  let t1 = s0;
  let codes = w + 16;
  let others = v + 16;
  let a = x;
  for (const end = x + 32; a < end; a += 4, codes += 32, others += 32) {
    const c = v128.load32_splat(a);
    let w0 = v128.load(codes);
    let w1 = v128.load(codes, 16);
    s0 = dot4(signed(c, i8x16.lt_s(w0, none)), i8x16.abs(w0), s0);
    s1 = dot4(signed(c, i8x16.lt_s(w1, none)), i8x16.abs(w1), s1);
    w0 = v128.load(others);
    w1 = v128.load(others, 16);
    t0 = dot4(signed(c, i8x16.lt_s(w0, none)), i8x16.abs(w0), t0);
    t1 = dot4(signed(c, i8x16.lt_s(w1, none)), i8x16.abs(w1), t1);
  }
  addPanels(x, w, v, false, s0, s1, t0, t1, sums, sums + 32, kept(PLACED_HALF));
}
