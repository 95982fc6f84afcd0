/**
 * y = x W^T in float32. W lies in panels of 8 rows: `[panels, inputs, 8]`, the last filled up with zeros. Each output
 * is one chain of multiply-adds over the inputs in order, whatever the number of rows, so a token gives the same bits
 * alone and in a batch.
 */
import { OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE } from '../../engine/executors/wasm/plan-layout';
import { store8 } from '../base/epilogue';
import { madd } from '../base/math';
import { fourRowsWide } from './linear-wide';

export function linearF32(op: usize, rows: i32, from: i32, to: i32): void {
  const x = <usize>load<i32>(op, OP_X);
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const width = load<i32>(op, OP_WIDTH);
  const w = <usize>load<i32>(op, OP_WEIGHT);
  const panelBytes = <usize>width * 32;
  const tiled = rows & ~3;
  let panel = from;
  if (!tiled) {
    // Each of the four reads on where its last panel ended.
    const apart = (to - from) >> 2;
    const step = <usize>apart * panelBytes;
    for (const end = from + apart; panel < end; panel++) {
      const at = w + <usize>panel * panelBytes;
      for (let row = 0; row < rows; row++) fourPanels(op, x + <usize>row * stride, at, step, width, row, panel, apart);
    }
    panel += 3 * apart;
  }
  for (; panel + 4 <= to; panel += 4) {
    const at = w + <usize>panel * panelBytes;
    for (let row = 0; row < tiled; row += 4) {
      if (WIDE && fourRowsWide(op, x + <usize>row * stride, stride, at, panelBytes, row, panel)) continue;
      for (let p = 0; p < 4; p++)
        fourRows(op, x + <usize>row * stride, stride, at + <usize>p * panelBytes, width, row, panel + p);
    }
    for (let row = tiled; row < rows; row++)
      fourPanels(op, x + <usize>row * stride, at, panelBytes, width, row, panel, 1);
  }
  for (; panel < to; panel++) {
    const at = w + <usize>panel * panelBytes;
    for (let row = 0; row < tiled; row += 4) fourRows(op, x + <usize>row * stride, stride, at, width, row, panel);
    for (let row = tiled; row < rows; row++) onePanel(op, x + <usize>row * stride, at, width, row, panel);
  }
}

function fourRows(op: usize, x: usize, stride: usize, w: usize, width: i32, row: i32, panel: i32): void {
  const x1 = x + stride;
  const x2 = x1 + stride;
  const x3 = x2 + stride;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = <usize>width * 4;
  for (let i: usize = 0; i < end; i += 4) {
    const w0 = v128.load(w + i * 8);
    const w1 = v128.load(w + i * 8, 16);
    let v = v128.load32_splat(x + i);
    a0 = madd(v, w0, a0);
    a1 = madd(v, w1, a1);
    v = v128.load32_splat(x1 + i);
    b0 = madd(v, w0, b0);
    b1 = madd(v, w1, b1);
    v = v128.load32_splat(x2 + i);
    c0 = madd(v, w0, c0);
    c1 = madd(v, w1, c1);
    v = v128.load32_splat(x3 + i);
    d0 = madd(v, w0, d0);
    d1 = madd(v, w1, d1);
  }
  store8(op, row, panel, a0, a1);
  store8(op, row + 1, panel, b0, b1);
  store8(op, row + 2, panel, c0, c1);
  store8(op, row + 3, panel, d0, d1);
}

/**
 * Four panels keep eight chains of additions in flight.
 * @param step bytes from one to the next @param apart panels
 */
function fourPanels(op: usize, x: usize, w: usize, step: usize, width: i32, row: i32, panel: i32, apart: i32): void {
  const w1 = w + step;
  const w2 = w1 + step;
  const w3 = w2 + step;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = <usize>width * 4;
  for (let i: usize = 0; i < end; i += 4) {
    const v = v128.load32_splat(x + i);
    const at = i * 8;
    a0 = madd(v, v128.load(w + at), a0);
    a1 = madd(v, v128.load(w + at, 16), a1);
    b0 = madd(v, v128.load(w1 + at), b0);
    b1 = madd(v, v128.load(w1 + at, 16), b1);
    c0 = madd(v, v128.load(w2 + at), c0);
    c1 = madd(v, v128.load(w2 + at, 16), c1);
    d0 = madd(v, v128.load(w3 + at), d0);
    d1 = madd(v, v128.load(w3 + at, 16), d1);
  }
  store8(op, row, panel, a0, a1);
  store8(op, row, panel + apart, b0, b1);
  store8(op, row, panel + 2 * apart, c0, c1);
  store8(op, row, panel + 3 * apart, d0, d1);
}

function onePanel(op: usize, x: usize, w: usize, width: i32, row: i32, panel: i32): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  const end = <usize>width * 4;
  for (let i: usize = 0; i < end; i += 4) {
    const v = v128.load32_splat(x + i);
    a0 = madd(v, v128.load(w + i * 8), a0);
    a1 = madd(v, v128.load(w + i * 8, 16), a1);
  }
  store8(op, row, panel, a0, a1);
}
