/**
 * Storage of K and V: `[kvHeads, cells, headDim]`, in float32, binary16, or 8-bit codes with their scale in float32 after
 * them, the largest magnitude / 127. Each head of a cell is filled up to whole
 * groups of 16 values with zeros, so that readers know no remainders.
 */
import {
  LAYOUT_F16,
  LAYOUT_Q8,
  OP_CELLS,
  OP_HEAD_DIM,
  OP_KEYS,
  OP_KV_HEADS,
  OP_LAYOUT,
  OP_VALUES,
  OP_X,
  OP_X2,
  OP_X2_STRIDE,
  OP_X_STRIDE,
  RUN_NOT_NUMBERS,
  RUN_ROW_CELLS,
} from '../../engine/executors/wasm/plan-layout';
import { storeHalf, storeHalf8 } from '../base/half';

/** Values of one head as they are stored. */
// @inline
export function paddedHead(op: usize): usize {
  return <usize>((load<i32>(op, OP_HEAD_DIM) + 15) & ~15);
}

/** Bytes of one head of a cell. */
// @inline
export function cellBytes(op: usize): usize {
  const layout = load<i32>(op, OP_LAYOUT);
  if (layout == LAYOUT_Q8) return paddedHead(op) + 4;
  return paddedHead(op) << (layout == LAYOUT_F16 ? 1 : 2);
}

/** k and v of each row to its cell, head by head. */
export function cacheWriteRows(op: usize, run: usize, from: i32, to: i32): void {
  const cells = <usize>load<i32>(run, RUN_ROW_CELLS);
  const headStride = <usize>load<i32>(op, OP_CELLS) * cellBytes(op);
  for (let row = from; row < to; row++) {
    const cell = <usize>load<i32>(cells + row * 4) * cellBytes(op);
    const k = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE);
    const v = <usize>load<i32>(op, OP_X2) + row * load<i32>(op, OP_X2_STRIDE);
    writeHeads(op, run, k, <usize>load<i32>(op, OP_KEYS) + cell, headStride);
    writeHeads(op, run, v, <usize>load<i32>(op, OP_VALUES) + cell, headStride);
  }
}

function writeHeads(op: usize, run: usize, from: usize, to: usize, headStride: usize): void {
  const headDim = <usize>load<i32>(op, OP_HEAD_DIM);
  const half = load<i32>(op, OP_LAYOUT) == LAYOUT_F16;
  const codes = load<i32>(op, OP_LAYOUT) == LAYOUT_Q8;
  const whole = headDim & ~7;
  // Only NaN differs from itself.
  let same = i32x4.splat(-1);
  for (let head = load<i32>(op, OP_KV_HEADS); head > 0; head--, from += headDim * 4, to += headStride) {
    if (codes) {
      writeCodes(from, to, headDim, paddedHead(op));
      continue;
    }
    if (!half) {
      memory.copy(to, from, headDim * 4);
      continue;
    }
    for (let i: usize = 0; i < whole; i += 8) {
      const low = v128.load(from + i * 4);
      const high = v128.load(from + i * 4, 16);
      same = v128.and(same, v128.and(f32x4.eq(low, low), f32x4.eq(high, high)));
      storeHalf8(low, high, to + i * 2);
    }
    // What fills the head up stays zero, as fresh memory is.
    for (let i = whole; i < headDim; i++) {
      const value = v128.load32_splat(from + i * 4);
      same = v128.and(same, f32x4.eq(value, value));
      storeHalf(value, to + i * 2);
    }
  }
  // Readers take a NaN in binary16 for a large number. Any thread may say so: all store the same.
  if (!i32x4.all_true(same)) store<i32>(run, 1, RUN_NOT_NUMBERS);
}

/** @param values as they are stored; those past `headDim` stay zero */
function writeCodes(from: usize, to: usize, headDim: usize, values: usize): void {
  let largest: f32 = 0;
  for (let i: usize = 0; i < headDim; i++) largest = max(largest, abs(load<f32>(from + i * 4)));
  const inverse: f32 = largest > 0 ? 127 / largest : 0;
  const whole = headDim & ~7;
  const factors = f32x4.splat(inverse);
  for (let i: usize = 0; i < whole; i += 8) {
    const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(from + i * 4), factors)));
    const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(from + i * 4, 16), factors)));
    const codes = i16x8.narrow_i32x4_s(low, high);
    v128.store64_lane(to + i, i8x16.narrow_i16x8_s(codes, codes), 0);
  }
  for (let i = whole; i < headDim; i++) store<i8>(to + i, <i8>nearest(load<f32>(from + i * 4) * inverse));
  store<f32>(to + values, largest / 127);
}
