/**
 * y = x W^T with 8-bit weights and activations. W lies in panels of 8 rows, cut into blocks of 32 inputs:
 *
 *     f16 d[8]            scale of each row
 *     i8  codes[8][8][4]  [j][row][i]: input 4j + i, -127..127
 *
 * The dot product wants codes of 0..127 on one side: the weight's sign moves to the activation.
 */
import { dot4, signed } from './dot';
import { addScaled, clearSums, storeScaled } from './int8-row';
import { OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE, XQ_BLOCK, XQ_SCALE } from '../engine/executors/wasm/plan-layout';
import { apartOf, strandsOf } from './strands';
import { storeFourRows } from './int8-tile';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { signedFourRowsWide, signedInTurnsWide } from './q8-signed-wide';
import { inFours, XQ4_BLOCK, XQ4_SCALE } from './quantize';
import { kept } from './wide';

const BLOCK: usize = 272;

/** @param places see strands.ts @param scratch room for the sums of eight panels, or of four rows */
export function linearQ8Signed(op: usize, rows: i32, from: i32, to: i32, places: i32, scratch: usize): void {
  const x = <usize>load<i32>(op, OP_X);
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const blocks = load<i32>(op, OP_WIDTH) >> 5;
  const w = <usize>load<i32>(op, OP_WEIGHT);
  const panelBytes = <usize>blocks * BLOCK;
  const tiled = inFours(rows);
  if (!tiled) {
    const strands = strandsOf(to - from, places);
    const apart = apartOf(to - from, strands);
    const step = <usize>apart * panelBytes;
    for (const end = from + apart; from < end; from++) {
      const at = w + <usize>from * panelBytes;
      for (let row = 0; row < rows; row++) panelsInTurns(op, x + <usize>row * stride, at, step, blocks, row, from, strands, apart, scratch);
    }
    from += (strands - 1) * apart;
  }
  for (let panel = from; panel < to; panel++) {
    const at = w + <usize>panel * panelBytes;
    for (let row = 0; row < tiled; row += 4) {
      if (WIDE) {
        signedFourRowsWide(x + <usize>row * stride, at, blocks, scratch);
        storeFourRows(op, row, min(rows - row, 4), panel, 1, 1, 0, scratch);
      } else fourRows(op, x + <usize>row * stride, at, blocks, row, rows - row, panel);
    }
    for (let row = tiled; row < rows; row++) oneRow(op, x + <usize>row * stride, at, blocks, row, panel);
  }
}

function oneRow(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  const half = kept(PLACED_HALF);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    const scale = v128.load32_splat(x, XQ_SCALE);
    y0 = addBlock(x, w + 16, w, scale, y0, half);
    y1 = addBlock(x, w + 32, w + 8, scale, y1, half);
    w += BLOCK;
    x += XQ_BLOCK;
  }
  storeScaled(op, row, panel, y0, y1);
}

function panelsInTurns(
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
  const end = sums + <usize>strands * 32;
  clearSums(sums, 2);
  if (WIDE) signedInTurnsWide(x, w, step, blocks, sums, end);
  else addInTurns(x, w, step, blocks, sums, end);
  for (; sums < end; sums += 32, panel += apart) storeScaled(op, row, panel, v128.load(sums), v128.load(sums, 16));
}

// @ts-ignore: decorator
@inline
function addInTurns(x: usize, w: usize, step: usize, blocks: i32, sums: usize, end: usize): void {
  const half = kept(PLACED_HALF);
  for (; blocks > 0; blocks--) {
    const scale = v128.load32_splat(x, XQ_SCALE);
    let at = w;
    for (let y = sums; y < end; y += 32, at += step) {
      v128.store(y, addBlock(x, at + 16, at, scale, v128.load(y), half));
      v128.store(y, addBlock(x, at + 32, at + 8, scale, v128.load(y, 16), half), 16);
    }
    w += BLOCK;
    x += XQ_BLOCK;
  }
}

/** y + a block of four rows of weights times the activations. */
// @ts-ignore: decorator
@inline
function addBlock(x: usize, codes: usize, halves: usize, scale: v128, y: v128, half: v128): v128 {
  let sum = i32x4.splat(0);
  for (let j: usize = 0; j < 8; j++) {
    const w = v128.load(codes + j * 32);
    sum = dot4(signed(v128.load32_splat(x + j * 4), i8x16.lt_s(w, i8x16.splat(0))), i8x16.abs(w), sum);
  }
  return addScaled(y, sum, halves, scale, half);
}

function fourRows(op: usize, x: usize, w: usize, blocks: i32, row: i32, rows: i32, panel: i32): void {
  const half = kept(PLACED_HALF);
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (; blocks > 0; blocks--) {
    let sa0 = i32x4.splat(0);
    let sa1 = sa0;
    let sb0 = sa0;
    let sb1 = sa0;
    let sc0 = sa0;
    let sc1 = sa0;
    let sd0 = sa0;
    let sd1 = sa0;
    for (let j: usize = 0; j < 8; j++) {
      let code = v128.load(w + j * 32, 16);
      let sign = i8x16.lt_s(code, i8x16.splat(0));
      let size = i8x16.abs(code);
      const va = v128.load32_splat(x + j * 16);
      const vb = v128.load32_splat(x + j * 16, 4);
      const vc = v128.load32_splat(x + j * 16, 8);
      const vd = v128.load32_splat(x + j * 16, 12);
      sa0 = dot4(signed(va, sign), size, sa0);
      sb0 = dot4(signed(vb, sign), size, sb0);
      sc0 = dot4(signed(vc, sign), size, sc0);
      sd0 = dot4(signed(vd, sign), size, sd0);
      code = v128.load(w + j * 32, 32);
      sign = i8x16.lt_s(code, i8x16.splat(0));
      size = i8x16.abs(code);
      sa1 = dot4(signed(va, sign), size, sa1);
      sb1 = dot4(signed(vb, sign), size, sb1);
      sc1 = dot4(signed(vc, sign), size, sc1);
      sd1 = dot4(signed(vd, sign), size, sd1);
    }
    const w0 = placedHalf4(v128.load16x4_s(w), half);
    const w1 = placedHalf4(v128.load16x4_s(w, 8), half);
    let scale = v128.load32_splat(x, XQ4_SCALE);
    a0 = madd(f32x4.convert_i32x4_s(sa0), f32x4.mul(w0, scale), a0);
    a1 = madd(f32x4.convert_i32x4_s(sa1), f32x4.mul(w1, scale), a1);
    scale = v128.load32_splat(x, XQ4_SCALE + 4);
    b0 = madd(f32x4.convert_i32x4_s(sb0), f32x4.mul(w0, scale), b0);
    b1 = madd(f32x4.convert_i32x4_s(sb1), f32x4.mul(w1, scale), b1);
    scale = v128.load32_splat(x, XQ4_SCALE + 8);
    c0 = madd(f32x4.convert_i32x4_s(sc0), f32x4.mul(w0, scale), c0);
    c1 = madd(f32x4.convert_i32x4_s(sc1), f32x4.mul(w1, scale), c1);
    scale = v128.load32_splat(x, XQ4_SCALE + 12);
    d0 = madd(f32x4.convert_i32x4_s(sd0), f32x4.mul(w0, scale), d0);
    d1 = madd(f32x4.convert_i32x4_s(sd1), f32x4.mul(w1, scale), d1);
    w += BLOCK;
    x += XQ4_BLOCK;
  }
  storeScaled(op, row, panel, a0, a1);
  storeScaled(op, row + 1, panel, b0, b1);
  storeScaled(op, row + 2, panel, c0, c1);
  if (rows > 3) storeScaled(op, row + 3, panel, d0, d1);
}
