/**
 * Chunks of attention put together: what each found is sums of values times e^(score - the chunk's highest score). Where a
 * row's chunks were spread over threads, each lies by itself until then.
 */
import {
  ATTENTION_CHUNK,
  ATTENTION_STATS,
  F16_INPUT_SCALE,
  LAYOUT_F16,
  OP_HEAD_DIM,
  OP_HEADS,
  OP_LAYOUT,
  OP_STARTS,
  OP_Y,
  OP_Y_STRIDE,
  RUN_ENDS,
  RUN_PARTIALS,
  RUN_ROWS,
  RUN_SCRATCH,
  RUN_SCRATCH_STRIDE,
  RUN_SPLITS,
  RUN_STARTS,
} from '../../engine/executors/wasm/plan-layout';
import { copyVectors } from '../base/copy';
import { exp4, madd } from '../base/math';
import { paddedHead } from './cache';

const STATS: usize = ATTENTION_STATS;

// @inline
export function startOf(op: usize, run: usize, row: i32): i32 {
  return load<i32>(
    <usize>load<i32>(run, RUN_STARTS) + <usize>(load<i32>(op, OP_STARTS) * load<i32>(run, RUN_ROWS) + row) * 4,
  );
}

// @inline
export function endOf(run: usize, row: i32): i32 {
  return load<i32>(<usize>load<i32>(run, RUN_ENDS) + <usize>row * 4);
}

/** Statistics and output of one head of a row for one chunk: `[rows, heads, chunks]`. */
export function partialOf(op: usize, run: usize, row: i32, head: i32, chunk: i32): usize {
  const index = (row * load<i32>(op, OP_HEADS) + head) * load<i32>(run, RUN_SPLITS) + chunk;
  return <usize>load<i32>(run, RUN_PARTIALS) + <usize>index * (STATS + paddedHead(op) * 4);
}

/** A highest score of -Infinity stands for nothing merged yet. */
export function clearStats(stats: usize, count: i32): void {
  for (let j = 0; j < count; j++) {
    store<f32>(stats + <usize>j * STATS, -Infinity);
    store<f32>(stats + <usize>j * STATS, 0, 4);
  }
}

/** total and part are sums of values times e^(score - highest); so is what `total` becomes, for the higher of the two. */
export function merge(total: usize, totalStats: usize, part: usize, partStats: usize, width: usize): void {
  const before = load<f32>(totalStats);
  const added = load<f32>(partStats);
  const sum = load<f32>(totalStats, 4);
  if (sum == 0 && before == -Infinity) {
    copyVectors(total, part, width);
    copyVectors(totalStats, partStats, STATS);
    return;
  }
  // NaN in, NaN out.
  const top = max(before, added);
  const factors = exp4(f32x4.replace_lane(f32x4.splat(before - top), 1, added - top));
  const keep = f32x4.splat(f32x4.extract_lane(factors, 0));
  const take = f32x4.splat(f32x4.extract_lane(factors, 1));
  for (let i: usize = 0; i < width; i += 16) {
    v128.store(total + i, madd(v128.load(part + i), take, f32x4.mul(v128.load(total + i), keep)));
  }
  store<f32>(totalStats, top);
  store<f32>(totalStats, sum * f32x4.extract_lane(keep, 0) + load<f32>(partStats, 4) * f32x4.extract_lane(take, 0), 4);
}

/** The head's output: what was summed up, divided by the sum of the weights. */
export function finish(op: usize, row: i32, head: i32, total: usize, stats: usize): void {
  const headDim = <usize>load<i32>(op, OP_HEAD_DIM);
  const half = load<i32>(op, OP_LAYOUT) == LAYOUT_F16;
  const y = <usize>load<i32>(op, OP_Y) + row * load<i32>(op, OP_Y_STRIDE) + <usize>head * headDim * 4;
  const raise: f32 = half ? <f32>F16_INPUT_SCALE * <f32>F16_INPUT_SCALE : 1;
  const factor = raise / load<f32>(stats, 4);
  const whole = (headDim & ~3) * 4;
  for (let i: usize = 0; i < whole; i += 16) v128.store(y + i, f32x4.mul(v128.load(total + i), f32x4.splat(factor)));
  for (let i = whole; i < headDim * 4; i += 4) store<f32>(y + i, load<f32>(total + i) * factor);
}

/** Merges the chunks of rows `from` up to `to`, where they were spread over threads. */
export function mergeRows(op: usize, run: usize, from: i32, to: i32, thread: i32): void {
  if (!load<i32>(run, RUN_SPLITS)) return;
  const width = paddedHead(op) * 4;
  const total = <usize>load<i32>(run, RUN_SCRATCH) + <usize>thread * <usize>load<i32>(run, RUN_SCRATCH_STRIDE);
  const stats = total + width;
  for (let row = from; row < to; row++) {
    const first = startOf(op, run, row) / ATTENTION_CHUNK;
    const end = (endOf(run, row) + ATTENTION_CHUNK - 1) / ATTENTION_CHUNK;
    for (let head = 0; head < load<i32>(op, OP_HEADS); head++) {
      clearStats(stats, 1);
      for (let chunk = first; chunk < end; chunk++) {
        const part = partialOf(op, run, row, head, chunk);
        merge(total, stats, part + STATS, part, width);
      }
      finish(op, row, head, total, stats);
    }
  }
}
