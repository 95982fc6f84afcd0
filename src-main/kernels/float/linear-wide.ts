/** Parts of linear.ts, to the same bits, in the shape that base/wide.ts describes: eight outputs lie side by side. */
import {
  OP_ACTIVATION,
  OP_BIAS,
  OP_OPERAND,
  OP_OUTPUTS,
  OP_Y,
  OP_Y_STRIDE,
} from '../../engine/executors/wasm/plan-layout';
import { store8 } from '../base/epilogue';
import { madd } from '../base/math';
import { storePair } from '../base/wide';

/**
 * Four rows of four panels; false where it cannot. Sums lie where the outputs will: not where an operand is that they are
 * added to in its place, and not where a row ends before its last panel does.
 */
export function fourRowsWide(
  op: usize,
  x: usize,
  stride: usize,
  w: usize,
  panelBytes: usize,
  row: i32,
  panel: i32,
): bool {
  const y = <usize>load<i32>(op, OP_Y);
  const operand = <usize>load<i32>(op, OP_OPERAND);
  if (y == operand || (panel + 4) * 8 > load<i32>(op, OP_OUTPUTS)) return false;
  const yStride = <usize>load<i32>(op, OP_Y_STRIDE);
  const to = y + <usize>row * yStride + <usize>panel * 32;
  twoPanels(x, stride, w, panelBytes, to, yStride);
  twoPanels(x, stride, w + 2 * panelBytes, panelBytes, to + 64, yStride);
  if (!operand && !load<i32>(op, OP_BIAS) && !load<i32>(op, OP_ACTIVATION)) return true;
  for (let i = 0; i < 4; i++) {
    const sums = to + <usize>i * yStride;
    for (let p = 0; p < 4; p++) {
      const at = sums + <usize>p * 32;
      store8(op, row + i, panel + p, v128.load(at), v128.load(at, 16));
    }
  }
  return true;
}

function twoPanels(x: usize, stride: usize, w: usize, panelBytes: usize, y: usize, yStride: usize): void {
  let next = w + panelBytes;
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let c0 = a0;
  let c1 = a0;
  let c2 = a0;
  let c3 = a0;
  let d0 = a0;
  let d1 = a0;
  let d2 = a0;
  let d3 = a0;
  for (const end = next; w < end; w += 32) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const w2 = v128.load(next);
    const w3 = v128.load(next, 16);
    let v = v128.load32_splat(x);
    a0 = madd(v, w0, a0);
    a1 = madd(v, w1, a1);
    a2 = madd(v, w2, a2);
    a3 = madd(v, w3, a3);
    v = v128.load32_splat(xb);
    b0 = madd(v, w0, b0);
    b1 = madd(v, w1, b1);
    b2 = madd(v, w2, b2);
    b3 = madd(v, w3, b3);
    v = v128.load32_splat(xc);
    c0 = madd(v, w0, c0);
    c1 = madd(v, w1, c1);
    c2 = madd(v, w2, c2);
    c3 = madd(v, w3, c3);
    v = v128.load32_splat(xd);
    d0 = madd(v, w0, d0);
    d1 = madd(v, w1, d1);
    d2 = madd(v, w2, d2);
    d3 = madd(v, w3, d3);
    next += 32;
    x += 4;
    xb += 4;
    xc += 4;
    xd += 4;
  }
  storeBlock(y, a0, a1, a2, a3);
  y += yStride;
  storeBlock(y, b0, b1, b2, b3);
  y += yStride;
  storeBlock(y, c0, c1, c2, c3);
  y += yStride;
  storeBlock(y, d0, d1, d2, d3);
}

// @inline
function storeBlock(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  storePair(to, a, b);
  v128.store(to, d, 48);
  v128.store(to, c, 32);
}
