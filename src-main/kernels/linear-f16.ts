/** y = x W^T with float16 weights in panels of 8 rows, `[panels, inputs, 8]`, and float32 activations and sums. */
import { store8 } from './epilogue';
import { OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE } from '../engine/executors/wasm/plan-layout';
import { half4, madd } from './math';

export function linearF16(op: usize, rows: i32, from: i32, to: i32): void {
  const x = <usize>load<i32>(op, OP_X);
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const width = load<i32>(op, OP_WIDTH);
  const w = <usize>load<i32>(op, OP_WEIGHT);
  const panelBytes = <usize>width * 16;
  const tiled = rows & ~3;
  for (let panel = from; panel < to; panel++) {
    const at = w + <usize>panel * panelBytes;
    for (let row = 0; row < tiled; row += 4) fourRows(op, x + <usize>row * stride, stride, at, width, row, panel);
    for (let row = tiled; row < rows; row++) oneRow(op, x + <usize>row * stride, at, width, row, panel);
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
    const w0 = half4(v128.load16x4_s(w + i * 4));
    const w1 = half4(v128.load16x4_s(w + i * 4, 8));
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

function oneRow(op: usize, x: usize, w: usize, width: i32, row: i32, panel: i32): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  const end = <usize>width * 4;
  for (let i: usize = 0; i < end; i += 4) {
    const v = v128.load32_splat(x + i);
    a0 = madd(v, half4(v128.load16x4_s(w + i * 4)), a0);
    a1 = madd(v, half4(v128.load16x4_s(w + i * 4, 8)), a1);
  }
  store8(op, row, panel, a0, a1);
}
