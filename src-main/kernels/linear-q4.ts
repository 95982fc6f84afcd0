/**
 * y = x W^T with 4-bit weights and 8-bit activations. W lies in panels of 8 rows, cut into blocks of 32 inputs:
 *
 *     f16 d[8]            scale of each row
 *     f16 m[8]            minimum of each row, only with minimums (Q4_1, Q4_K)
 *     u8  codes[4][8][4]  [j][row][i]: low nibble input 4j + i, high nibble input 16 + 4j + i
 *
 * A weight is (q - 8) d, or q d + m. Sums within a block are exact integers.
 */
import { dot4 } from './dot';
import { store8 } from './epilogue';
import { OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE, XQ_BLOCK, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { half4, madd } from './math';

const BLOCK: usize = 144;
const BLOCK_WITH_MIN: usize = 160;

export function linearQ4(op: usize, rows: i32, from: i32, to: i32): void {
  linear(op, rows, from, to, false);
}

export function linearQ4Min(op: usize, rows: i32, from: i32, to: i32): void {
  linear(op, rows, from, to, true);
}

// @ts-ignore: decorator
@inline
function linear(op: usize, rows: i32, from: i32, to: i32, min: bool): void {
  const x = <usize>load<i32>(op, OP_X);
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const blocks = load<i32>(op, OP_WIDTH) >> 5;
  const w = <usize>load<i32>(op, OP_WEIGHT);
  const panelBytes = <usize>blocks * (min ? BLOCK_WITH_MIN : BLOCK);
  const tiled = rows & ~3;
  for (let panel = from; panel < to; panel++) {
    const at = w + <usize>panel * panelBytes;
    for (let row = 0; row < tiled; row += 4) fourRows(op, x + <usize>row * stride, stride, at, blocks, row, panel, min);
    for (let row = tiled; row < rows; row++) oneRow(op, x + <usize>row * stride, at, blocks, row, panel, min);
  }
}

// @ts-ignore: decorator
@inline
function start(x: usize, min: bool): v128 {
  return min ? i32x4.splat(0) : i32x4.splat(-8 * load<i32>(x, XQ_SUM));
}

// @ts-ignore: decorator
@inline
function oneRow(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32, min: bool): void {
  const mask = i8x16.splat(15);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    const codes = w + (min ? 32 : 16);
    let s0 = start(x, min);
    let s1 = s0;
    for (let j: usize = 0; j < 4; j++) {
      const w0 = v128.load(codes + j * 32);
      const w1 = v128.load(codes + j * 32, 16);
      const low = v128.load32_splat(x + j * 4);
      const high = v128.load32_splat(x + j * 4, 16);
      s0 = dot4(low, v128.and(w0, mask), s0);
      s1 = dot4(low, v128.and(w1, mask), s1);
      s0 = dot4(high, v128.and(i16x8.shr_u(w0, 4), mask), s0);
      s1 = dot4(high, v128.and(i16x8.shr_u(w1, 4), mask), s1);
    }
    const scale = v128.load32_splat(x, XQ_SCALE);
    y0 = madd(f32x4.convert_i32x4_s(s0), f32x4.mul(half4(v128.load16x4_s(w)), scale), y0);
    y1 = madd(f32x4.convert_i32x4_s(s1), f32x4.mul(half4(v128.load16x4_s(w, 8)), scale), y1);
    if (min) {
      const sum = v128.load32_splat(x, XQ_SCALED_SUM);
      y0 = madd(half4(v128.load16x4_s(w, 16)), sum, y0);
      y1 = madd(half4(v128.load16x4_s(w, 24)), sum, y1);
    }
    w += min ? BLOCK_WITH_MIN : BLOCK;
    x += XQ_BLOCK;
  }
  store8(op, row, panel, y0, y1);
}

// @ts-ignore: decorator
@inline
function fourRows(op: usize, x: usize, stride: usize, w: usize, blocks: i32, row: i32, panel: i32, min: bool): void {
  const mask = i8x16.splat(15);
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  for (; blocks > 0; blocks--) {
    const codes = w + (min ? 32 : 16);
    let sa0 = start(x, min);
    let sa1 = sa0;
    let sb0 = start(xb, min);
    let sb1 = sb0;
    let sc0 = start(xc, min);
    let sc1 = sc0;
    let sd0 = start(xd, min);
    let sd1 = sd0;
    for (let j: usize = 0; j < 4; j++) {
      let w0 = v128.load(codes + j * 32);
      let w1 = v128.load(codes + j * 32, 16);
      let l0 = v128.and(w0, mask);
      let l1 = v128.and(w1, mask);
      let v = v128.load32_splat(x + j * 4);
      sa0 = dot4(v, l0, sa0);
      sa1 = dot4(v, l1, sa1);
      v = v128.load32_splat(xb + j * 4);
      sb0 = dot4(v, l0, sb0);
      sb1 = dot4(v, l1, sb1);
      v = v128.load32_splat(xc + j * 4);
      sc0 = dot4(v, l0, sc0);
      sc1 = dot4(v, l1, sc1);
      v = v128.load32_splat(xd + j * 4);
      sd0 = dot4(v, l0, sd0);
      sd1 = dot4(v, l1, sd1);
      l0 = v128.and(i16x8.shr_u(w0, 4), mask);
      l1 = v128.and(i16x8.shr_u(w1, 4), mask);
      v = v128.load32_splat(x + j * 4, 16);
      sa0 = dot4(v, l0, sa0);
      sa1 = dot4(v, l1, sa1);
      v = v128.load32_splat(xb + j * 4, 16);
      sb0 = dot4(v, l0, sb0);
      sb1 = dot4(v, l1, sb1);
      v = v128.load32_splat(xc + j * 4, 16);
      sc0 = dot4(v, l0, sc0);
      sc1 = dot4(v, l1, sc1);
      v = v128.load32_splat(xd + j * 4, 16);
      sd0 = dot4(v, l0, sd0);
      sd1 = dot4(v, l1, sd1);
    }
    const w0 = half4(v128.load16x4_s(w));
    const w1 = half4(v128.load16x4_s(w, 8));
    let scale = v128.load32_splat(x, XQ_SCALE);
    a0 = madd(f32x4.convert_i32x4_s(sa0), f32x4.mul(w0, scale), a0);
    a1 = madd(f32x4.convert_i32x4_s(sa1), f32x4.mul(w1, scale), a1);
    scale = v128.load32_splat(xb, XQ_SCALE);
    b0 = madd(f32x4.convert_i32x4_s(sb0), f32x4.mul(w0, scale), b0);
    b1 = madd(f32x4.convert_i32x4_s(sb1), f32x4.mul(w1, scale), b1);
    scale = v128.load32_splat(xc, XQ_SCALE);
    c0 = madd(f32x4.convert_i32x4_s(sc0), f32x4.mul(w0, scale), c0);
    c1 = madd(f32x4.convert_i32x4_s(sc1), f32x4.mul(w1, scale), c1);
    scale = v128.load32_splat(xd, XQ_SCALE);
    d0 = madd(f32x4.convert_i32x4_s(sd0), f32x4.mul(w0, scale), d0);
    d1 = madd(f32x4.convert_i32x4_s(sd1), f32x4.mul(w1, scale), d1);
    if (min) {
      const m0 = half4(v128.load16x4_s(w, 16));
      const m1 = half4(v128.load16x4_s(w, 24));
      let sum = v128.load32_splat(x, XQ_SCALED_SUM);
      a0 = madd(m0, sum, a0);
      a1 = madd(m1, sum, a1);
      sum = v128.load32_splat(xb, XQ_SCALED_SUM);
      b0 = madd(m0, sum, b0);
      b1 = madd(m1, sum, b1);
      sum = v128.load32_splat(xc, XQ_SCALED_SUM);
      c0 = madd(m0, sum, c0);
      c1 = madd(m1, sum, c1);
      sum = v128.load32_splat(xd, XQ_SCALED_SUM);
      d0 = madd(m0, sum, d0);
      d1 = madd(m1, sum, d1);
    }
    w += min ? BLOCK_WITH_MIN : BLOCK;
    x += XQ_BLOCK;
    xb += XQ_BLOCK;
    xc += XQ_BLOCK;
    xd += XQ_BLOCK;
  }
  store8(op, row, panel, a0, a1);
  store8(op, row + 1, panel, b0, b1);
  store8(op, row + 2, panel, c0, c1);
  store8(op, row + 3, panel, d0, d1);
}
