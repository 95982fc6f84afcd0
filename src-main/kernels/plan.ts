/** The interpreter: runs a plan from its first operation to its last, in chunks between which cancelling is heard. */
import { attentionUnitCount, attentionUnits } from './attention';
import { mergeRows } from './attention-merge';
import { cacheWriteRows } from './cache';
import {
  ATTENTION,
  ATTENTION_MERGE,
  BINARY,
  CACHE_WRITE,
  COPY,
  EMBED,
  FLAG_BARRIER,
  FLAG_CHAIN,
  FLAG_LOGIT_ROWS,
  GATHER,
  LAYER_NORM,
  LAYOUT_BF16,
  LAYOUT_F16,
  LAYOUT_F32,
  LAYOUT_Q8_SIGNED,
  LINEAR,
  LOGIT_SUMS,
  OP_BYTES,
  OP_CODE,
  OP_FLAGS,
  OP_LAYOUT,
  OP_OUTPUTS,
  OP_PANEL_BYTES,
  OP_TAKEN,
  OP_WEIGHT,
  OP_WIDTH,
  POOL_COUNT,
  POOL_PLAN,
  POOL_RUN,
  POOL_THREADS,
  QUANTIZE,
  RMS_NORM,
  ROPE,
  RUN_CANCELLED,
  RUN_LOGIT_ROWS,
  RUN_PLACES,
  RUN_PROFILE,
  RUN_ROWS,
  RUN_SPLITS,
  RUN_TILE_STRIDE,
  RUN_TILES,
  UNARY,
} from '../engine/executors/wasm/plan-layout';
import { linearHalf } from './linear-half';
import { linearF32 } from './linear-f32';
import { linearInt8 } from './linear-int8';
import { linearQ8Signed } from './linear-q8-signed';
import { sumLogitRows } from './logits';
import { arriveLast, awaitRelease, barriers, failed, getOn, release } from './pool';
import { addComputing, addWaiting, computing, now } from './profile';
import { quantizeRows } from './quantize';
import { MANY_ROWS } from './strands';
import {
  binaryRows,
  copyRows,
  embedRows,
  gatherRows,
  layerNormRows,
  rmsNormRows,
  ropeRows,
  unaryRows,
} from './rows';

/** The host's answer to: was this run cancelled? */
// @ts-ignore: decorator
@external('env', 'cancelled')
declare function cancelled(): i32;

/** Tells the host that a run on so many threads begins. They wait in the first of the model's memories, perhaps not this one. */
// @ts-ignore: decorator
@external('env', 'begin')
declare function begin(threads: i32): void;

/** Multiply-adds of one chunk at most: some 0.2 ms, so that cancelling is heard and threads end together. */
const CHUNK_WORK: f64 = 9437184;
/** Chunks of an operation per thread, unless they are too large then. */
const CHUNKS: i32 = 8;
/** Small chunks per thread that all units would make, unless fewer than four panels are left for each. */
const SMALL_CHUNKS: i32 = 32;
/** Up to so many rows, one thread does what treats rows by themselves: that is less than meeting once more takes. */
const SERIAL_ROWS: i32 = 4;

/**
 * Runs `count` operations, with the threads of the pool if there are any. Returns 0; 1 when the run was cancelled; 2 when
 * a thread failed.
 */
export function runPlan(plan: usize, count: i32, run: usize, pool: usize): i32 {
  if (ASC_FEATURE_THREADS) {
    if (load<i32>(pool, POOL_THREADS) > 1) return runTogether(plan, count, run, pool);
    begin(1);
  }
  for (let i = 0; i < count; ) {
    const op = opAt(plan, i);
    const end = chainEnd(plan, i);
    const units = unitsOf(op, run);
    const size = chunkSize(op, run, units, 1);
    for (let from = 0; from < units; from += size) {
      if (cancelled()) return 1;
      executeChain(plan, i, end, run, from, min(from + size, units), 0, true);
    }
    i = end;
  }
  return 0;
}

function runTogether(plan: usize, count: i32, run: usize, pool: usize): i32 {
  // Each thread begins with a chunk of its own.
  const threads = load<i32>(pool, POOL_THREADS);
  for (let i = 0; i < count; i++) store<i32>(opAt(plan, i), threads, OP_TAKEN);
  store<i32>(pool, <i32>plan, POOL_PLAN);
  store<i32>(pool, count, POOL_COUNT);
  store<i32>(pool, <i32>run, POOL_RUN);
  begin(threads);
  runShare(plan, count, run, pool, 0);
  if (failed(pool)) return 2;
  return load<i32>(run, RUN_CANCELLED);
}

/** Called by each thread of the pool: computes its share of the run that has started in this memory. */
export function work(pool: usize, thread: i32): void {
  if (!ASC_FEATURE_THREADS) return;
  runShare(<usize>load<i32>(pool, POOL_PLAN), load<i32>(pool, POOL_COUNT), <usize>load<i32>(pool, POOL_RUN), pool, thread);
}

/** One thread's way through a plan. All threads take the same turns, also when the run is cancelled: they meet. */
function runShare(plan: usize, count: i32, run: usize, pool: usize, thread: i32): void {
  const threads = load<i32>(pool, POOL_THREADS);
  let together = true;
  for (let i = 0; i < count; ) {
    const op = opAt(plan, i);
    let end = chainEnd(plan, i);
    if (isSerial(op, run)) {
      // Nothing to share: whoever arrives last does it, and what follows of this kind, before letting the others go.
      while (end < count && isSerial(opAt(plan, end), run)) end = chainEnd(plan, end);
      meet(plan, i, end, count, run, pool, thread);
      together = true;
      i = end;
      continue;
    }
    if (!together && load<i32>(op, OP_FLAGS) & FLAG_BARRIER) meet(plan, i, i, count, run, pool, thread);
    together = false;
    const units = unitsOf(op, run);
    const size = chunkSize(op, run, units, threads);
    const large = largeChunk(op, run, units, threads, size);
    for (let chunk = thread; ; chunk = atomic.add<i32>(op, 1, OP_TAKEN)) {
      const from = chunkStart(chunk, threads, large, size);
      if (from >= units || isCancelled(run, thread) || failed(pool)) break;
      const to = min(chunkStart(chunk + 1, threads, large, size), units);
      executeChain(plan, i, end, run, from, to, thread, thread == 0);
      getOn(pool, thread);
    }
    i = end;
  }
  meet(plan, count - 1, count - 1, 0, run, pool, thread);
}

/** A barrier, at which the last thread to arrive executes operations `first` up to `end`. */
function meet(plan: usize, first: i32, end: i32, count: i32, run: usize, pool: usize, thread: i32): void {
  const timed = thread == 0 && load<i32>(run, RUN_PROFILE) != 0;
  const computed = timed ? computing(run, first, end) : 0;
  const started = timed ? now() : 0;
  const before = barriers(pool);
  if (arriveLast(pool)) {
    for (let i = first; i < end; i++) {
      const op = opAt(plan, i);
      executeChain(plan, i, i + 1, run, 0, unitsOf(op, run), thread, true);
      getOn(pool, thread);
    }
    release(pool);
  } else {
    if (end < count) fetchWeights(opAt(plan, end), run, pool, before, thread);
    awaitRelease(pool, before, thread);
  }
  if (timed) addWaiting(run, first, now() - started - (computing(run, first, end) - computed));
}

/** Lines of memory at most that a thread that waits loads of each place that it will read from: of eight, and of two. */
const FETCHED_LINES: i32 = 32;
const FETCHED_LINES_OF_TWO: i32 = 16;

/** While the others are not there, loads what this thread's part of a product with few rows begins with. */
function fetchWeights(op: usize, run: usize, pool: usize, before: i32, thread: i32): void {
  if (load<i32>(op, OP_CODE) != LINEAR || rowsOf(op, run) >= MANY_ROWS) return;
  const threads = load<i32>(pool, POOL_THREADS);
  const places = load<i32>(run, RUN_PLACES);
  const units = unitsOf(op, run);
  const panels = largeChunk(op, run, units, threads, chunkSize(op, run, units, threads));
  if (panels < 8 || (thread + 1) * panels > units) return;
  const bytes = <usize>load<i32>(op, OP_PANEL_BYTES);
  const step = <usize>(panels / places) * bytes;
  const lines = isInWholes(run) ? FETCHED_LINES_OF_TWO : FETCHED_LINES;
  let at = <usize>load<i32>(op, OP_WEIGHT) + <usize>(thread * panels) * bytes;
  let found = 0;
  for (let i = 0; i < lines && barriers(pool) == before; i++, at += 64) {
    let from = at;
    for (let place = 0; place < places; place++, from += step) found |= load<i32>(from);
  }
  // Where nobody reads it: else the compiler would leave out what fetches.
  store<i32>(tileOf(run, thread), found);
}

/** The engine's thread asks the host and tells the others. */
function isCancelled(run: usize, thread: i32): bool {
  if (thread == 0 && cancelled()) atomic.store<i32>(run, 1, RUN_CANCELLED);
  return atomic.load<i32>(run, RUN_CANCELLED) != 0;
}

// @ts-ignore: decorator
@inline
function opAt(plan: usize, i: i32): usize {
  return plan + <usize>i * OP_BYTES;
}

/** Index after the last operation that shares the chunks of operation `i`. */
function chainEnd(plan: usize, i: i32): i32 {
  while (load<i32>(opAt(plan, i), OP_FLAGS) & FLAG_CHAIN) i++;
  return i + 1;
}

/** Whether there is too little to share. */
function isSerial(op: usize, run: usize): bool {
  const units = unitsOf(op, run);
  if (units <= 1) return true;
  const code = load<i32>(op, OP_CODE);
  return code != LINEAR && code != ATTENTION && units <= SERIAL_ROWS;
}

/** @param tells whether the time counts: of what threads share, the engine's own thread's does */
function executeChain(plan: usize, first: i32, end: i32, run: usize, from: i32, to: i32, thread: i32, tells: bool): void {
  const timed = tells && load<i32>(run, RUN_PROFILE) != 0;
  for (let i = first; i < end; i++) {
    const started = timed ? now() : 0;
    execute(opAt(plan, i), run, from, to, thread);
    if (timed) addComputing(run, i, now() - started);
  }
}

/** Rows that the operation works on. */
// @ts-ignore: decorator
@inline
function rowsOf(op: usize, run: usize): i32 {
  return load<i32>(run + (load<i32>(op, OP_FLAGS) & FLAG_LOGIT_ROWS ? RUN_LOGIT_ROWS : RUN_ROWS));
}

/** Parts that can be computed apart: panels of outputs, blocks of rows, rows. */
function unitsOf(op: usize, run: usize): i32 {
  const code = load<i32>(op, OP_CODE);
  if (code == LINEAR || code == LOGIT_SUMS) return (load<i32>(op, OP_OUTPUTS) + 7) >> 3;
  if (code == ATTENTION) return attentionUnitCount(op, run);
  return rowsOf(op, run);
}

/** Units of one chunk: small enough to be shared evenly, and for cancelling to be heard. */
function chunkSize(op: usize, run: usize, units: i32, threads: i32): i32 {
  const code = load<i32>(op, OP_CODE);
  // Blocks of rows are large, and of different sizes. Chunks of one row's context follow each other in memory.
  if (code == ATTENTION) return load<i32>(run, RUN_SPLITS) && isInWholes(run) ? (units + threads - 1) / threads : 1;
  const chunks = threads * CHUNKS;
  const even = (units + chunks - 1) / chunks;
  // Whole groups of four rows, which are quantised together.
  if (code != LINEAR) return max((even + 3) & ~3, 4);
  const most = <i32>(CHUNK_WORK / (<f64>load<i32>(op, OP_WIDTH) * 8 * <f64>max(rowsOf(op, run), 1)));
  if (rowsOf(op, run) < MANY_ROWS) {
    return threads > 1 ? max((units / (threads * SMALL_CHUNKS)) & ~3, 4) : max(min(units, most & ~3), 4);
  }
  // Whole groups of four panels or at least of two, which kernels take together.
  return max(min((even + 3) & ~3, most & ~1), 2);
}

/**
 * Units of each thread's first chunk. Few rows make chunks that read memory and little else: one long stretch for each
 * thread, and of the last quarter small ones, so that threads end together.
 */
function largeChunk(op: usize, run: usize, units: i32, threads: i32, size: i32): i32 {
  if (load<i32>(op, OP_CODE) != LINEAR || rowsOf(op, run) >= MANY_ROWS) return size;
  if (isInWholes(run)) return ((units + threads - 1) / threads + 3) & ~3;
  return max(((units * 3) / (4 * threads)) & ~3, size);
}

/** Whether threads share evenly what is read once: it takes processors that read best from two places a while to follow each stretch. */
// @ts-ignore: decorator
@inline
function isInWholes(run: usize): bool {
  return load<i32>(run, RUN_PLACES) == 2;
}

/** First unit of a chunk. */
// @ts-ignore: decorator
@inline
function chunkStart(chunk: i32, threads: i32, large: i32, size: i32): i32 {
  return chunk < threads ? chunk * large : threads * large + (chunk - threads) * size;
}

export function execute(op: usize, run: usize, from: i32, to: i32, thread: i32): void {
  const rows = rowsOf(op, run);
  switch (load<i32>(op, OP_CODE)) {
    case LINEAR:
      linear(op, run, rows, from, to, thread);
      break;
    case QUANTIZE:
      quantizeRows(op, rows, from, to);
      break;
    case EMBED:
      embedRows(op, run, from, to, tileOf(run, thread));
      break;
    case LAYER_NORM:
      layerNormRows(op, from, to);
      break;
    case RMS_NORM:
      rmsNormRows(op, from, to);
      break;
    case ROPE:
      ropeRows(op, from, to);
      break;
    case UNARY:
      unaryRows(op, from, to);
      break;
    case BINARY:
      binaryRows(op, from, to);
      break;
    case CACHE_WRITE:
      cacheWriteRows(op, run, from, to);
      break;
    case ATTENTION:
      attentionUnits(op, run, from, to, thread);
      break;
    case ATTENTION_MERGE:
      mergeRows(op, run, from, to, thread);
      break;
    case GATHER:
      gatherRows(op, run, from, to);
      break;
    case LOGIT_SUMS:
      sumLogitRows(op, rows, from, to, tileOf(run, thread));
      break;
    case COPY:
      copyRows(op, from, to);
      break;
    default:
      unreachable();
  }
}

function linear(op: usize, run: usize, rows: i32, from: i32, to: i32, thread: i32): void {
  const scratch = tileOf(run, thread);
  const places = load<i32>(run, RUN_PLACES);
  switch (load<i32>(op, OP_LAYOUT)) {
    case LAYOUT_F32:
      linearF32(op, rows, from, to);
      break;
    case LAYOUT_F16:
      linearHalf(false, op, rows, from, to, places, scratch);
      break;
    case LAYOUT_BF16:
      linearHalf(true, op, rows, from, to, places, scratch);
      break;
    case LAYOUT_Q8_SIGNED:
      linearQ8Signed(op, rows, from, to, places, scratch);
      break;
    default:
      linearInt8(op, rows, from, to, places, scratch);
  }
}

// @ts-ignore: decorator
@inline
function tileOf(run: usize, thread: i32): usize {
  return <usize>load<i32>(run, RUN_TILES) + <usize>thread * <usize>load<i32>(run, RUN_TILE_STRIDE);
}
