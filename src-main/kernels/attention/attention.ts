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
  LAYOUT_F16,
  LAYOUT_Q8,
  OP_CELLS,
  OP_HEADS,
  OP_KEYS,
  OP_KV_HEADS,
  OP_LAYOUT,
  OP_VALUES,
  RUN_BLOCK_COUNT,
  RUN_BLOCKS,
  RUN_CONTEXTS,
  RUN_MAX_QUERIES,
  RUN_SCRATCH,
  RUN_SCRATCH_STRIDE,
  RUN_SPLITS,
  RUN_STREAMS,
} from '../../engine/executors/wasm/plan-layout';
import { copyVectors } from '../base/copy';
import { cellBytes, paddedHead } from './cache';
import { encodeQuery, encodeWeights, gatherScales } from './codes';
import { copyEntries, copyHalves } from './entries';
import { score, scoreCodes, scoreWide, weigh, weighCodes } from './generated';
import { clearStats, endOf, finish, merge, partialOf, startOf } from './merge';
import { FEW_QUERIES, gatherQueries, spreadQueries } from './queries';
import { finishTap, QUERY_SCALE, softmax, tapOf } from './softmax';
import { inOrder, isApart } from './vectors';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;
/** Per query: highest score, sum of weights, and for codes the scales of its weights' products and of itself. */
const STATS: usize = ATTENTION_STATS;
const WEIGHT_SCALE: usize = 8;

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
  if (codes) {
    for (let j: usize = 0; j < <usize>queries; j++) {
      store<f32>(partStats + j * STATS, encodeQuery(q + j * width, width >> 2), QUERY_SCALE);
    }
  }
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
      if (load<i32>(run, RUN_STREAMS) == 2) fetchChunk(keys, toValues, <usize>(to - from) * taken, scores);
      else if (WIDE) ahead = toValues;
    }
    const key0 = keys - <usize>from * taken;
    forTiles(op, run, direct, true, firstRow, group, queries, base, q, key0, ahead, width, scores, keyScales);
    if (WIDE && !codes && isApart(queries, ahead)) {
      for (let j: usize = 0; j < <usize>queries; j++)
        inOrder(scores + j * SCORE_STRIDE + <usize>from * 4, to - from, part);
    }
    for (let j = 0; j < queries; j++) {
      const row = firstRow + j / group;
      const at = scores + <usize>j * SCORE_STRIDE;
      const start = max(startOf(op, run, row) - base, 0);
      const stop = min(endOf(run, row) - base, ATTENTION_CHUNK);
      const tap = tapOf(op, run, row, kvHead * group + (j % group), base);
      softmax(op, half, at, from, to, start, stop, partStats + <usize>j * STATS, tap);
    }
    const values = chunkOf(op, OP_VALUES, storage, cells, first, to - from, tile, converted);
    if (codes) {
      gatherScales(values, from, to - from, width >> 2, valueScales);
      for (let j: usize = 0; j < <usize>queries; j++) {
        const scale = encodeWeights(scores + j * SCORE_STRIDE, valueScales, from & ~7, (to + 7) & ~7);
        store<f32>(partStats + j * STATS, scale, WEIGHT_SCALE);
      }
    }
    const value0 = values - <usize>from * taken;
    forTiles(op, run, direct, false, firstRow, group, queries, base, scores, value0, 0, width, part, partStats);
    for (let j = 0; j < queries; j++) {
      const stats = partStats + <usize>j * STATS;
      const row = firstRow + j / group;
      if (startOf(op, run, row) >= base + ATTENTION_CHUNK || endOf(run, row) <= base) continue;
      if (split < 0)
        merge(total + <usize>j * width, totalStats + <usize>j * STATS, part + <usize>j * width, stats, width);
      else {
        const to = partialOf(op, run, row, kvHead * group + (j % group), chunk);
        copyVectors(to, stats, STATS);
        copyVectors(to + STATS, part + <usize>j * width, width);
      }
    }
  }
  if (split >= 0) return;
  for (let j = 0; j < queries; j++) {
    const row = firstRow + j / group;
    const head = kvHead * group + (j % group);
    finish(op, row, head, total + <usize>j * width, totalStats + <usize>j * STATS);
    finishTap(op, run, row, head, totalStats + <usize>j * STATS);
  }
}

/**
 * Keys or values of a chunk, one after the other: where they are if they lie so, else in `tile`.
 * @param first cell, if the others follow it; else -1
 */
function chunkOf(
  op: usize,
  field: usize,
  storage: usize,
  cells: usize,
  first: i32,
  count: i32,
  tile: usize,
  converted: bool,
): usize {
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
      } else if (WIDE && scoring)
        scoreWide(half, queries <= FEW_QUERIES, taken, xs, entries, ahead, from, to, width, ys);
      else if (!WIDE && scoring) score(half, taken, xs, entries, from, to, width, ys);
      else weigh(half, taken, xs, entries, from, to, width, ys);
    }
  }
}
