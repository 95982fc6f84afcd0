/**
 * Storage of K and V: `[kvHeads, cells, headDim]`, in float32 or binary16. Each head of a cell is filled up to whole
 * groups of 8 values with zeros, so that readers know no remainders.
 */
import {
  LAYOUT_F16,
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
  RUN_ROW_CELLS,
} from '../engine/executors/wasm/plan-layout';
import { storeHalf, storeHalf8 } from './half';

/** Values of one head as they are stored. */
// @ts-ignore: decorator
@inline
export function paddedHead(op: usize): usize {
  return <usize>((load<i32>(op, OP_HEAD_DIM) + 7) & ~7);
}

/** Bytes of one head of a cell. */
// @ts-ignore: decorator
@inline
export function cellBytes(op: usize): usize {
  return paddedHead(op) << (load<i32>(op, OP_LAYOUT) == LAYOUT_F16 ? 1 : 2);
}

/** k and v of each row to its cell, head by head. */
export function cacheWriteRows(op: usize, run: usize, from: i32, to: i32): void {
  const cells = <usize>load<i32>(run, RUN_ROW_CELLS);
  const headStride = <usize>load<i32>(op, OP_CELLS) * cellBytes(op);
  for (let row = from; row < to; row++) {
    const cell = <usize>load<i32>(cells + row * 4) * cellBytes(op);
    const k = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE);
    const v = <usize>load<i32>(op, OP_X2) + row * load<i32>(op, OP_X2_STRIDE);
    writeHeads(op, k, <usize>load<i32>(op, OP_KEYS) + cell, headStride);
    writeHeads(op, v, <usize>load<i32>(op, OP_VALUES) + cell, headStride);
  }
}

function writeHeads(op: usize, from: usize, to: usize, headStride: usize): void {
  const headDim = <usize>load<i32>(op, OP_HEAD_DIM);
  const half = load<i32>(op, OP_LAYOUT) == LAYOUT_F16;
  const whole = headDim & ~7;
  for (let head = load<i32>(op, OP_KV_HEADS); head > 0; head--, from += headDim * 4, to += headStride) {
    if (!half) {
      memory.copy(to, from, headDim * 4);
      continue;
    }
    for (let i: usize = 0; i < whole; i += 8) storeHalf8(from + i * 4, to + i * 2);
    // What fills the head up stays zero, as fresh memory is.
    for (let i = whole; i < headDim; i++) storeHalf(load<f32>(from + i * 4), to + i * 2);
  }
}
