/** The weights of a chunk's scores, and the tap for them. */
import {
  F16_INPUT_EXPONENT,
  F16_INPUT_SCALE,
  LAYOUT_F16,
  LAYOUT_Q8,
  OP_FACTOR,
  OP_LAYOUT,
  OP_SOFTCAP,
  OP_TAP,
  RUN_MAX_CONTEXT,
  RUN_ROWS,
} from '../../engine/executors/wasm/plan-layout';
import { exp4, max4, softcap4, sum4 } from '../base/math';
import { endOf, startOf } from './merge';
import { exponentials, scaleScores } from './passes';

/** Where the statistics of a query have its scale, if it is of codes. */
export const QUERY_SCALE: usize = 12;

/**
 * Scores `start` up to `stop` of a chunk to weights, not yet divided by their sum; zero for the block's other entries,
 * which are `from` up to `to`, and what fills these up to whole groups of 8.
 */
export function softmax(
  op: usize,
  half: bool,
  scores: usize,
  from: i32,
  to: i32,
  start: i32,
  stop: i32,
  stats: usize,
  tap: usize,
): void {
  from &= ~7;
  to = (to + 7) & ~7;
  if (start >= stop) {
    memory.fill(scores + <usize>from * 4, 0, <usize>(to - from) * 4);
    return;
  }
  const first = <usize>(start & ~3) * 4;
  const end = <usize>((stop + 3) & ~3) * 4;
  for (let i = start & ~3; i < start; i++) store<f32>(scores + <usize>i * 4, -Infinity);
  for (let i = stop; i < ((stop + 3) & ~3); i++) store<f32>(scores + <usize>i * 4, -Infinity);
  let factor = load<f32>(op, OP_FACTOR);
  // Keys are 2^-112 and queries 2^56 of what they stand for.
  if (half) factor *= <f32>F16_INPUT_SCALE;
  if (load<i32>(op, OP_LAYOUT) == LAYOUT_Q8) factor *= load<f32>(stats, QUERY_SCALE);
  const cap = load<f32>(op, OP_SOFTCAP);
  const highest =
    cap != 0 || !(factor > 0)
      ? scaleAndCap(scores, first, end, start, stop, factor, cap)
      : scaleScores(scores + first, scores + end, factor);
  if (tap) memory.copy(tap + <usize>start * 4, scores + <usize>start * 4, <usize>(stop - start) * 4);
  const top = max4(highest);
  // Values are 2^-112 of what they stand for: half of that here, the other half in the end.
  const sums = exponentials(scores + first, scores + end, top, half ? F16_INPUT_EXPONENT : 0);
  if (<usize>from * 4 < first) memory.fill(scores + <usize>from * 4, 0, first - <usize>from * 4);
  if (end < <usize>to * 4) memory.fill(scores + end, 0, <usize>to * 4 - end);
  store<f32>(stats, top);
  store<f32>(stats, sum4(sums), 4);
}

/** With a soft-cap, or a factor that would turn the -Infinity of the padding around. */
function scaleAndCap(scores: usize, first: usize, end: usize, start: i32, stop: i32, factor: f32, cap: f32): v128 {
  const scale = f32x4.splat(factor);
  let highest = f32x4.splat(-Infinity);
  for (let i = first; i < end; i += 16) {
    let s = f32x4.mul(v128.load(scores + i), scale);
    if (cap != 0) s = softcap4(s, cap);
    v128.store(scores + i, s);
  }
  for (let i = <i32>(first >> 2); i < start; i++) store<f32>(scores + <usize>i * 4, -Infinity);
  for (let i = stop; i < <i32>(end >> 2); i++) store<f32>(scores + <usize>i * 4, -Infinity);
  for (let i = first; i < end; i += 16) highest = f32x4.max(highest, v128.load(scores + i));
  return highest;
}

/** Where the weights of a chunk's first entry are wanted, `[heads, rows, longest context]`; 0 when they are not. */
export function tapOf(op: usize, run: usize, row: i32, head: i32, base: i32): usize {
  const tap = <usize>load<i32>(op, OP_TAP);
  if (!tap) return 0;
  const context = <usize>load<i32>(run, RUN_MAX_CONTEXT);
  return tap + ((<usize>head * load<i32>(run, RUN_ROWS) + row) * context + base) * 4;
}

/** The scores that were put there become weights. */
export function finishTap(op: usize, run: usize, row: i32, head: i32, stats: usize): void {
  const tap = tapOf(op, run, row, head, 0);
  if (!tap) return;
  const half = load<i32>(op, OP_LAYOUT) == LAYOUT_F16;
  const top = f32x4.splat(load<f32>(stats));
  const factor = (half ? <f32>F16_INPUT_SCALE : 1) / load<f32>(stats, 4);
  const end = tap + <usize>endOf(run, row) * 4;
  let at = tap + <usize>startOf(op, run, row) * 4;
  for (; at + 16 <= end; at += 16) v128.store(at, f32x4.mul(exp4(f32x4.sub(v128.load(at), top)), f32x4.splat(factor)));
  for (; at < end; at += 4) {
    const weight = exp4(f32x4.sub(v128.load32_splat(at), top));
    store<f32>(at, f32x4.extract_lane(weight, 0) * factor);
  }
}
