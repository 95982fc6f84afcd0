/**
 * softmax(cap(q K^T * scale)) V for the heads that share one K/V head, row by row. Keys are taken in tiles that stay in
 * the first-level cache while every head of the group reads them. Sums run over the context in order, so a row gives the
 * same bits in any batch.
 */
import {
  OP_CELLS,
  OP_FACTOR,
  OP_HEAD_DIM,
  OP_HEADS,
  OP_KEYS,
  OP_KV_HEADS,
  OP_SOFTCAP,
  OP_STARTS,
  OP_TAP,
  OP_VALUES,
  OP_X,
  OP_X_STRIDE,
  OP_Y,
  OP_Y_STRIDE,
  RUN_CONTEXTS,
  RUN_ENDS,
  RUN_MAX_CONTEXT,
  RUN_ROWS,
  RUN_SCRATCH,
  RUN_SCRATCH_STRIDE,
  RUN_SPLIT_HEADS,
  RUN_STARTS,
} from '../engine/executors/wasm/plan-layout';
import { exp4, madd, max4, softcap4, sum4 } from './math';

/** Keys of one tile: 64 of 64 values are 16 KiB. */
const TILE: i32 = 64;

/** Heads x rows when the threads would not be busy otherwise; else K/V heads x rows, each read once for all its heads. */
export function attentionUnitCount(op: usize, run: usize): i32 {
  return load<i32>(run, RUN_ROWS) * (load<i32>(run, RUN_SPLIT_HEADS) ? load<i32>(op, OP_HEADS) : load<i32>(op, OP_KV_HEADS));
}

export function attentionUnits(op: usize, run: usize, from: i32, to: i32, thread: i32): void {
  const rows = load<i32>(run, RUN_ROWS);
  const group = load<i32>(op, OP_HEADS) / load<i32>(op, OP_KV_HEADS);
  const heads = load<i32>(run, RUN_SPLIT_HEADS) ? 1 : group;
  for (let unit = from; unit < to; unit++) attendRow(op, run, (unit / rows) * heads, heads, group, unit % rows, thread);
}

/** `heads` heads from `firstHead` on, of the `group` that share a K/V head. */
function attendRow(op: usize, run: usize, firstHead: i32, heads: i32, group: i32, row: i32, thread: i32): void {
  const headDim = load<i32>(op, OP_HEAD_DIM);
  const headBytes = <usize>headDim * 4;
  const kvHead = firstHead / group;
  const first = load<i32>(
    <usize>load<i32>(run, RUN_STARTS) + <usize>(load<i32>(op, OP_STARTS) * load<i32>(run, RUN_ROWS) + row) * 4,
  );
  const cells = <usize>load<i32>(<usize>load<i32>(run, RUN_CONTEXTS) + row * 4) + first * 4;
  const count = load<i32>(<usize>load<i32>(run, RUN_ENDS) + row * 4) - first;
  const storage = <usize>kvHead * <usize>load<i32>(op, OP_CELLS) * headBytes;
  const keys = <usize>load<i32>(op, OP_KEYS) + storage;
  const values = <usize>load<i32>(op, OP_VALUES) + storage;
  const q = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE) + <usize>firstHead * headBytes;
  const y = <usize>load<i32>(op, OP_Y) + row * load<i32>(op, OP_Y_STRIDE) + <usize>firstHead * headBytes;
  const scratch = <usize>load<i32>(run, RUN_SCRATCH) + <usize>thread * <usize>load<i32>(run, RUN_SCRATCH_STRIDE);
  // Whole vectors, with room for the four that the last group of keys writes.
  const stride = (<usize>(load<i32>(run, RUN_MAX_CONTEXT) + 7) & ~3) * 4;

  for (let at = 0; at < count; at += TILE) {
    const end = min(at + TILE, count);
    for (let h = 0; h < heads; h++) {
      score(q + <usize>h * headBytes, keys, cells, at, end, headDim, scratch + <usize>h * stride);
    }
  }
  for (let h = 0; h < heads; h++) softmax(op, scratch + <usize>h * stride, count);
  for (let h = 0; h < heads; h++) memory.fill(y + <usize>h * headBytes, 0, headBytes);
  for (let at = 0; at < count; at += TILE) {
    const end = min(at + TILE, count);
    for (let h = 0; h < heads; h++) {
      weigh(scratch + <usize>h * stride, values, cells, at, end, headDim, y + <usize>h * headBytes);
    }
  }
  const tap = <usize>load<i32>(op, OP_TAP);
  if (!tap) return;
  // [heads, rows, longest context]
  const tapRow = <usize>load<i32>(run, RUN_MAX_CONTEXT) * 4;
  for (let h = 0; h < heads; h++) {
    const to = tap + (<usize>(firstHead + h) * load<i32>(run, RUN_ROWS) + row) * tapRow;
    memory.copy(to + first * 4, scratch + <usize>h * stride, <usize>count * 4);
  }
}

/** scores[i] = q . keys[cells[i]], four keys at a time. */
function score(q: usize, keys: usize, cells: usize, at: i32, end: i32, headDim: i32, scores: usize): void {
  const headBytes = <usize>headDim * 4;
  const whole = headBytes & ~15;
  for (; at < end; at += 4) {
    // Past the end the last key is read again; what it gives is written over or padding.
    const last = end - 1;
    const k0 = keyAt(keys, cells, at, headBytes);
    const k1 = keyAt(keys, cells, min(at + 1, last), headBytes);
    const k2 = keyAt(keys, cells, min(at + 2, last), headBytes);
    const k3 = keyAt(keys, cells, min(at + 3, last), headBytes);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let i: usize = 0; i < whole; i += 16) {
      const v = v128.load(q + i);
      s0 = madd(v, v128.load(k0 + i), s0);
      s1 = madd(v, v128.load(k1 + i), s1);
      s2 = madd(v, v128.load(k2 + i), s2);
      s3 = madd(v, v128.load(k3 + i), s3);
    }
    // Four horizontal sums at once, by turning the square around.
    const a = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5);
    const b = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
    const c = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
    const d = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
    const ab = f32x4.add(a, b);
    const cd = f32x4.add(c, d);
    let sum = f32x4.add(v128.shuffle<f64>(ab, cd, 0, 2), v128.shuffle<f64>(ab, cd, 1, 3));
    for (let i = whole; i < headBytes; i += 4) {
      let rest = f32x4.splat(load<f32>(k0 + i));
      rest = f32x4.replace_lane(rest, 1, load<f32>(k1 + i));
      rest = f32x4.replace_lane(rest, 2, load<f32>(k2 + i));
      rest = f32x4.replace_lane(rest, 3, load<f32>(k3 + i));
      sum = madd(v128.load32_splat(q + i), rest, sum);
    }
    v128.store(scores + <usize>at * 4, sum);
  }
}

// @ts-ignore: decorator
@inline
function keyAt(keys: usize, cells: usize, i: i32, headBytes: usize): usize {
  return keys + <usize>load<i32>(cells + <usize>i * 4) * headBytes;
}

function softmax(op: usize, scores: usize, count: i32): void {
  const lowest = f32x4.splat(-Infinity);
  const end = <usize>count * 4;
  v128.store(scores + end, lowest);
  const scale = f32x4.splat(load<f32>(op, OP_FACTOR));
  const cap = load<f32>(op, OP_SOFTCAP);
  let highest = lowest;
  for (let i: usize = 0; i < end; i += 16) {
    let s = f32x4.mul(v128.load(scores + i), scale);
    if (cap != 0) s = softcap4(s, cap);
    v128.store(scores + i, s);
    highest = f32x4.max(highest, s);
  }
  // The padding again: a soft-cap or a negative scale has moved it.
  v128.store(scores + end, lowest);
  const top = f32x4.splat(max4(highest));
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < end; i += 16) {
    const e = exp4(f32x4.sub(v128.load(scores + i), top));
    v128.store(scores + i, e);
    sums = f32x4.add(sums, e);
  }
  const inverse = f32x4.splat(1 / sum4(sums));
  for (let i: usize = 0; i < end; i += 16) v128.store(scores + i, f32x4.mul(v128.load(scores + i), inverse));
}

/** y += sum of weights[i] * values[cells[i]]. */
function weigh(weights: usize, values: usize, cells: usize, from: i32, end: i32, headDim: i32, y: usize): void {
  const headBytes = <usize>headDim * 4;
  let i: usize = 0;
  for (; i + 128 <= headBytes; i += 128) {
    let s0 = v128.load(y + i);
    let s1 = v128.load(y + i, 16);
    let s2 = v128.load(y + i, 32);
    let s3 = v128.load(y + i, 48);
    let s4 = v128.load(y + i, 64);
    let s5 = v128.load(y + i, 80);
    let s6 = v128.load(y + i, 96);
    let s7 = v128.load(y + i, 112);
    for (let at = from; at < end; at++) {
      const w = v128.load32_splat(weights + <usize>at * 4);
      const v = keyAt(values, cells, at, headBytes) + i;
      s0 = madd(w, v128.load(v), s0);
      s1 = madd(w, v128.load(v, 16), s1);
      s2 = madd(w, v128.load(v, 32), s2);
      s3 = madd(w, v128.load(v, 48), s3);
      s4 = madd(w, v128.load(v, 64), s4);
      s5 = madd(w, v128.load(v, 80), s5);
      s6 = madd(w, v128.load(v, 96), s6);
      s7 = madd(w, v128.load(v, 112), s7);
    }
    v128.store(y + i, s0);
    v128.store(y + i, s1, 16);
    v128.store(y + i, s2, 32);
    v128.store(y + i, s3, 48);
    v128.store(y + i, s4, 64);
    v128.store(y + i, s5, 80);
    v128.store(y + i, s6, 96);
    v128.store(y + i, s7, 112);
  }
  for (; i + 16 <= headBytes; i += 16) {
    let s = v128.load(y + i);
    for (let at = from; at < end; at++) {
      s = madd(v128.load32_splat(weights + <usize>at * 4), v128.load(keyAt(values, cells, at, headBytes) + i), s);
    }
    v128.store(y + i, s);
  }
  for (; i < headBytes; i += 4) {
    let s = load<f32>(y + i);
    for (let at = from; at < end; at++) {
      s += load<f32>(weights + <usize>at * 4) * load<f32>(keyAt(values, cells, at, headBytes) + i);
    }
    store<f32>(y + i, s);
  }
}
