/**
 * softmax(cap(q K^T * scale)) V, by chunks of the context: each chunk has a softmax of its own, and the chunks' results
 * are merged in order (Milakov and Gimelshein, 2018; Dao, 2022). Chunks begin at the same entries for everybody, so a row
 * gives the same bits alone, in a block of rows that read K and V together, and with its chunks spread over threads.
 *
 * A block is some rows of one sequence. Its queries are rows x the heads that share a K/V head.
 */
import {
  ATTENTION_CHUNK,
  ATTENTION_SCORE_STRIDE,
  ATTENTION_STATS,
  F16_INPUT_EXPONENT,
  F16_INPUT_SCALE,
  LAYOUT_F16,
  LAYOUT_Q8,
  OP_CELLS,
  OP_FACTOR,
  OP_HEAD_DIM,
  OP_HEADS,
  OP_KEYS,
  OP_KV_HEADS,
  OP_LAYOUT,
  OP_SOFTCAP,
  OP_TAP,
  OP_VALUES,
  OP_X,
  OP_X_STRIDE,
  RUN_BLOCK_COUNT,
  RUN_BLOCKS,
  RUN_CONTEXTS,
  RUN_MAX_CONTEXT,
  RUN_MAX_QUERIES,
  RUN_PLACES,
  RUN_ROWS,
  RUN_SCRATCH,
  RUN_SCRATCH_STRIDE,
  RUN_SPLITS,
} from '../engine/executors/wasm/plan-layout';
import { encodeQuery, encodeWeights, gatherScales, scoreCodes, weighCodes } from './attention-codes';
import { inOrder, isApart } from './attention-few-wide';
import { clearStats, endOf, finish, merge, partialOf, startOf } from './attention-merge';
import { scoreWide, spreadQuery } from './attention-score-wide';
import { copyEntries, copyHalves, score, weigh } from './attention-tiles';
import { exponentials, scaleScores } from './attention-passes';
import { cellBytes, paddedHead } from './cache';
import { clearVectors, copyVectors } from './copy';
import { exp4, max4, softcap4, sum4 } from './math';

/** Queries at most for which binary16 is converted where it is used, and not once for all into a tile. */
const FEW_QUERIES: i32 = 4;
const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;
/** Per query: highest score, sum of weights, and for codes the scales of its weights' products and of itself. */
const STATS: usize = ATTENTION_STATS;
const WEIGHT_SCALE: usize = 8;
const QUERY_SCALE: usize = 12;

/** Blocks x K/V heads, x chunks where rows alone would not keep the threads busy. */
export function attentionUnitCount(op: usize, run: usize): i32 {
  return load<i32>(run, RUN_BLOCK_COUNT) * load<i32>(op, OP_KV_HEADS) * max(load<i32>(run, RUN_SPLITS), 1);
}

export function attentionUnits(op: usize, run: usize, from: i32, to: i32, thread: i32): void {
  const splits = load<i32>(run, RUN_SPLITS);
  const heads = load<i32>(op, OP_KV_HEADS);
  const blocks = load<i32>(run, RUN_BLOCK_COUNT);
  for (let unit = from; unit < to; unit++) {
    const part = splits ? unit / splits : unit;
    // The last rows see most: they come first, so that threads end together.
    attend(op, run, blocks - 1 - part / heads, part % heads, splits ? unit % splits : -1, thread);
  }
}

/** @param split the only chunk to do; -1 for all */
function attend(op: usize, run: usize, block: i32, kvHead: i32, split: i32, thread: i32): void {
  const blocks = <usize>load<i32>(run, RUN_BLOCKS) + <usize>block * 8;
  const firstRow = load<i32>(blocks);
  const rows = load<i32>(blocks, 4);
  const group = load<i32>(op, OP_HEADS) / load<i32>(op, OP_KV_HEADS);
  const queries = rows * group;
  const width = paddedHead(op) * 4;
  const firstEntry = startOf(op, run, firstRow);
  const end = endOf(run, firstRow + rows - 1);
  let chunk = firstEntry / ATTENTION_CHUNK;
  let chunks = (end + ATTENTION_CHUNK - 1) / ATTENTION_CHUNK;
  if (split >= 0) {
    if (split < chunk || split >= chunks) return;
    chunk = split;
    chunks = split + 1;
  }

  const capacity = <usize>load<i32>(run, RUN_MAX_QUERIES);
  const q = <usize>load<i32>(run, RUN_SCRATCH) + <usize>thread * <usize>load<i32>(run, RUN_SCRATCH_STRIDE);
  const scores = q + capacity * width;
  const part = scores + capacity * SCORE_STRIDE;
  const total = part + capacity * width;
  const partStats = total + capacity * width;
  const totalStats = partStats + capacity * STATS;
  const keyScales = totalStats + capacity * STATS;
  const valueScales = keyScales + SCORE_STRIDE;
  const tile = valueScales + SCORE_STRIDE;

  const half = load<i32>(op, OP_LAYOUT) == LAYOUT_F16;
  const codes = load<i32>(op, OP_LAYOUT) == LAYOUT_Q8;
  const converted = half && queries > FEW_QUERIES;
  const direct = half && !converted;
  const taken = converted ? width : cellBytes(op);
  const storage = <usize>kvHead * <usize>load<i32>(op, OP_CELLS) * cellBytes(op);
  const context = <usize>load<i32>(<usize>load<i32>(run, RUN_CONTEXTS) + firstRow * 4);
  if (WIDE && !codes) spreadQueries(op, firstRow, rows, kvHead * group, group, half, q, width, part);
  else gatherQueries(op, firstRow, rows, kvHead * group, group, half, q, width);
  if (codes) for (let j: usize = 0; j < <usize>queries; j++) store<f32>(partStats + j * STATS, encodeQuery(q + j * width, width >> 2), QUERY_SCALE);
  if (split < 0) clearStats(totalStats, queries);

  for (; chunk < chunks; chunk++) {
    const base = chunk * ATTENTION_CHUNK;
    const from = max(firstEntry - base, 0);
    const to = min(end - base, ATTENTION_CHUNK);
    const cells = context + <usize>(base + from) * 4;
    const ordered = load<i32>(context - <usize>chunk * 4 - 4);
    const first = ordered < 0 ? -1 : ordered + from;
    const keys = chunkOf(op, OP_KEYS, storage, cells, first, to - from, tile, converted);
    if (codes) gatherScales(keys, from, to - from, width >> 2, keyScales);
    let ahead: usize = 0;
    if (queries <= FEW_QUERIES && keys != tile && !codes) {
      const toValues = <usize>load<i32>(op, OP_VALUES) - <usize>load<i32>(op, OP_KEYS);
      if (load<i32>(run, RUN_PLACES) == 2) fetchChunk(keys, toValues, <usize>(to - from) * taken, scores);
      else if (WIDE) ahead = toValues;
    }
    forTiles(op, run, direct, true, firstRow, group, queries, base, q, keys - <usize>from * taken, ahead, width, scores, keyScales);
    if (WIDE && !codes && isApart(queries, ahead)) {
      for (let j: usize = 0; j < <usize>queries; j++) inOrder(scores + j * SCORE_STRIDE + <usize>from * 4, to - from, part);
    }
    for (let j = 0; j < queries; j++) {
      const row = firstRow + j / group;
      const at = scores + <usize>j * SCORE_STRIDE;
      const start = max(startOf(op, run, row) - base, 0);
      const stop = min(endOf(run, row) - base, ATTENTION_CHUNK);
      softmax(op, half, at, from, to, start, stop, partStats + <usize>j * STATS, tapOf(op, run, row, kvHead * group + j % group, base));
    }
    const values = chunkOf(op, OP_VALUES, storage, cells, first, to - from, tile, converted);
    if (codes) {
      gatherScales(values, from, to - from, width >> 2, valueScales);
      for (let j: usize = 0; j < <usize>queries; j++) {
        const scale = encodeWeights(scores + j * SCORE_STRIDE, valueScales, from & ~7, (to + 7) & ~7);
        store<f32>(partStats + j * STATS, scale, WEIGHT_SCALE);
      }
    }
    forTiles(op, run, direct, false, firstRow, group, queries, base, scores, values - <usize>from * taken, 0, width, part, partStats);
    for (let j = 0; j < queries; j++) {
      const stats = partStats + <usize>j * STATS;
      const row = firstRow + j / group;
      if (startOf(op, run, row) >= base + ATTENTION_CHUNK || endOf(run, row) <= base) continue;
      if (split < 0) merge(total + <usize>j * width, totalStats + <usize>j * STATS, part + <usize>j * width, stats, width);
      else {
        const to = partialOf(op, run, row, kvHead * group + j % group, chunk);
        copyVectors(to, stats, STATS);
        copyVectors(to + STATS, part + <usize>j * width, width);
      }
    }
  }
  if (split >= 0) return;
  for (let j = 0; j < queries; j++) {
    const row = firstRow + j / group;
    const head = kvHead * group + j % group;
    finish(op, row, head, total + <usize>j * width, totalStats + <usize>j * STATS);
    finishTap(op, run, row, head, totalStats + <usize>j * STATS);
  }
}

/**
 * Keys or values of a chunk, one after the other: where they are if they lie so, else in `tile`.
 * @param first cell, if the others follow it; else -1
 */
function chunkOf(op: usize, field: usize, storage: usize, cells: usize, first: i32, count: i32, tile: usize, converted: bool): usize {
  const at = <usize>load<i32>(op + field) + storage;
  if (!converted && first >= 0) return at + <usize>first * cellBytes(op);
  if (!converted) copyEntries(at, cells, count, cellBytes(op), tile);
  else copyHalves(at, cells, count, cellBytes(op), tile);
  return tile;
}

/**
 * Loads keys and values side by side, which is as fast as memory is read at all; where what is loaded is also computed with,
 * the processor does not look ahead far enough.
 */
function fetchChunk(keys: usize, toValues: usize, bytes: usize, scores: usize): void {
  let found = 0;
  for (const end = keys + bytes; keys < end; keys += 64) found |= load<i32>(keys) | load<i32>(keys + toValues);
  // Where nobody reads it: else the compiler would leave out what fetches.
  store<i32>(scores, found, SCORE_STRIDE - 4);
}

/** Queries of a block, one after the other, filled up with zeros. */
function gatherQueries(op: usize, firstRow: i32, rows: i32, firstHead: i32, group: i32, half: bool, to: usize, width: usize): void {
  const headBytes = <usize>load<i32>(op, OP_HEAD_DIM) * 4;
  const scale = f32x4.splat(half ? <f32>F16_INPUT_SCALE : 1);
  for (let row = firstRow; row < firstRow + rows; row++) {
    let from = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE) + <usize>firstHead * headBytes;
    for (let h = 0; h < group; h++, from += headBytes, to += width) {
      if (headBytes < width) clearVectors(to + width - 64, 64);
      if (headBytes & 15) memory.copy(to, from, headBytes);
      else copyVectors(to, from, headBytes);
      if (half) for (let i: usize = 0; i < width; i += 16) v128.store(to + i, f32x4.mul(v128.load(to + i), scale));
    }
  }
}

/** As `scoreWide` takes them. @param row room for one */
function spreadQueries(op: usize, firstRow: i32, rows: i32, firstHead: i32, group: i32, half: bool, to: usize, width: usize, row: usize): void {
  const queries = rows * group;
  for (let j = 0; j < queries; j++) {
    gatherQueries(op, firstRow + j / group, 1, firstHead + j % group, 1, half, row, width);
    spreadQuery(row, to, j, queries, queries <= FEW_QUERIES, width);
  }
}

/** One of the two products, for four queries at a time and the keys that any of the four sees. @param ahead as of `scoreWide` */
function forTiles(
  op: usize,
  run: usize,
  half: bool,
  scoring: bool,
  firstRow: i32,
  group: i32,
  queries: i32,
  base: i32,
  x: usize,
  entries: usize,
  ahead: usize,
  width: usize,
  y: usize,
  scales: usize,
): void {
  const xStride = scoring ? width : SCORE_STRIDE;
  const yStride = scoring ? SCORE_STRIDE : width;
  for (let j = 0; j < queries; j += 4) {
    const taken = min(queries - j, 4);
    const from = max(startOf(op, run, firstRow + j / group) - base, 0);
    const to = min(endOf(run, firstRow + (j + taken - 1) / group) - base, ATTENTION_CHUNK);
    if (from < to) {
      const xs = x + <usize>j * xStride;
      const ys = y + <usize>j * yStride;
      if (load<i32>(op, OP_LAYOUT) == LAYOUT_Q8) {
        if (scoring) scoreCodes(taken, xs, entries, scales, from, to, width >> 2, ys);
        else weighCodes(taken, xs, entries, from, to, width >> 2, ys, scales + <usize>j * STATS);
      } else if (WIDE && scoring) scoreWide(half, queries <= FEW_QUERIES, taken, xs, entries, ahead, from, to, width, ys);
      else if (!WIDE && scoring) score(half, taken, xs, entries, from, to, width, ys);
      else weigh(half, taken, xs, entries, from, to, width, ys);
    }
  }
}

/**
 * Scores `start` up to `stop` of a chunk to weights, not yet divided by their sum; zero for the block's other entries,
 * which are `from` up to `to`, and what fills these up to whole groups of 8.
 */
function softmax(op: usize, half: bool, scores: usize, from: i32, to: i32, start: i32, stop: i32, stats: usize, tap: usize): void {
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
function tapOf(op: usize, run: usize, row: i32, head: i32, base: i32): usize {
  const tap = <usize>load<i32>(op, OP_TAP);
  if (!tap) return 0;
  const context = <usize>load<i32>(run, RUN_MAX_CONTEXT);
  return tap + ((<usize>head * load<i32>(run, RUN_ROWS) + row) * context + base) * 4;
}

/** The scores that were put there become weights. */
function finishTap(op: usize, run: usize, row: i32, head: i32, stats: usize): void {
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
