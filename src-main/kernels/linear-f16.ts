/**
 * y = x W^T with float16 weights in panels of 8 rows, `[panels, inputs, 8]`, and float32 sums. Bits of a float16 moved into
 * a float32's place make 2^-112 of its value, so activations come multiplied by 2^56 and sums leave so: exact, and one
 * multiplication less per weight. Each output is the sum over even inputs plus that over odd ones, in order, whatever the
 * number of rows.
 */
import { store8 } from './epilogue';
import { F16_INPUT_SCALE, OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE } from '../engine/executors/wasm/plan-layout';
import { madd, placedHalf4 } from './math';

/** @param scratch room for the sums of four rows and one panel in float32 */
export function linearF16(op: usize, rows: i32, from: i32, to: i32, scratch: usize): void {
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const width = load<i32>(op, OP_WIDTH);
  const panelBytes = <usize>width * 16;
  const tile = scratch + 128;
  let w = <usize>load<i32>(op, OP_WEIGHT) + <usize>from * panelBytes;
  for (let panel = from; panel < to; panel++, w += panelBytes) {
    let x = <usize>load<i32>(op, OP_X);
    let row = 0;
    if (rows >= 4) unpackPanel(w, width, tile);
    for (; row + 4 <= rows; row += 4, x += 4 * stride) {
      fourRows(x, stride, tile, (width + 1) >> 1, scratch, false);
      fourRows(x + 4, stride, tile + <usize>((width + 1) >> 1) * 32, width >> 1, scratch, true);
      for (let i = 0; i < 4; i++) store(op, row + i, panel, v128.load(scratch + i * 32), v128.load(scratch + i * 32, 16));
    }
    for (; row < rows; row++, x += stride) oneRow(op, x, w, width, row, panel);
  }
}

// @ts-ignore: decorator
@inline
function store(op: usize, row: i32, panel: i32, low: v128, high: v128): void {
  const unscale = f32x4.splat(<f32>F16_INPUT_SCALE);
  store8(op, row, panel, f32x4.mul(low, unscale), f32x4.mul(high, unscale));
}

/** float32 `[even inputs, 8]`, then the odd ones. */
function unpackPanel(w: usize, width: i32, tile: usize): void {
  const odd = tile + <usize>((width + 1) >> 1) * 32;
  for (let i: usize = 0; i < <usize>width; i++, w += 16) {
    const to = (i & 1 ? odd : tile) + (i >> 1) * 32;
    v128.store(to, placedHalf4(v128.load16x4_s(w)));
    v128.store(to, placedHalf4(v128.load16x4_s(w, 8)), 16);
  }
}

/** Every second input of four rows. @param add to what is in `sums` */
function fourRows(x: usize, stride: usize, tile: usize, inputs: i32, sums: usize, add: bool): void {
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (const end = tile + <usize>inputs * 32; tile < end; tile += 32) {
    const w0 = v128.load(tile);
    const w1 = v128.load(tile, 16);
    const va = v128.load32_splat(x);
    const vb = v128.load32_splat(xb);
    const vc = v128.load32_splat(xc);
    const vd = v128.load32_splat(xd);
    a0 = madd(va, w0, a0);
    a1 = madd(va, w1, a1);
    b0 = madd(vb, w0, b0);
    b1 = madd(vb, w1, b1);
    c0 = madd(vc, w0, c0);
    c1 = madd(vc, w1, c1);
    d0 = madd(vd, w0, d0);
    d1 = madd(vd, w1, d1);
    x += 8;
    xb += 8;
    xc += 8;
    xd += 8;
  }
  keep(sums, a0, a1, add);
  keep(sums + 32, b0, b1, add);
  keep(sums + 64, c0, c1, add);
  keep(sums + 96, d0, d1, add);
}

// @ts-ignore: decorator
@inline
function keep(sums: usize, low: v128, high: v128, add: bool): void {
  v128.store(sums, add ? f32x4.add(v128.load(sums), low) : low);
  v128.store(sums, add ? f32x4.add(v128.load(sums, 16), high) : high, 16);
}

function oneRow(op: usize, x: usize, w: usize, width: i32, row: i32, panel: i32): void {
  let even0 = f32x4.splat(0);
  let even1 = even0;
  let odd0 = even0;
  let odd1 = even0;
  for (const end = x + (<usize>width & ~1) * 4; x < end; x += 8, w += 32) {
    const a = v128.load32_splat(x);
    const b = v128.load32_splat(x, 4);
    even0 = madd(a, placedHalf4(v128.load16x4_s(w)), even0);
    even1 = madd(a, placedHalf4(v128.load16x4_s(w, 8)), even1);
    odd0 = madd(b, placedHalf4(v128.load16x4_s(w, 16)), odd0);
    odd1 = madd(b, placedHalf4(v128.load16x4_s(w, 24)), odd1);
  }
  if (width & 1) {
    const a = v128.load32_splat(x);
    even0 = madd(a, placedHalf4(v128.load16x4_s(w)), even0);
    even1 = madd(a, placedHalf4(v128.load16x4_s(w, 8)), even1);
  }
  store(op, row, panel, f32x4.add(even0, odd0), f32x4.add(even1, odd1));
}
