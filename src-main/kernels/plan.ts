/** The interpreter: runs a plan from its first operation to its last, in chunks between which cancelling is heard. */
import { attentionUnitCount, attentionUnits } from './attention';
import {
  ATTENTION,
  BINARY,
  CACHE_WRITE,
  COPY,
  EMBED,
  FLAG_BARRIER,
  FLAG_LOGIT_ROWS,
  FLAG_PAIR,
  GATHER,
  LAYER_NORM,
  LAYOUT_F16,
  LAYOUT_F32,
  LAYOUT_Q8_SIGNED,
  LINEAR,
  OP_BYTES,
  OP_CODE,
  OP_FLAGS,
  OP_LAYOUT,
  OP_OUTPUTS,
  OP_TAKEN,
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
  RUN_ROWS,
  RUN_TILE_STRIDE,
  RUN_TILES,
  UNARY,
} from '../engine/executors/wasm/plan-layout';
import { linearF16 } from './linear-f16';
import { linearF32 } from './linear-f32';
import { linearInt8 } from './linear-int8';
import { linearQ8Signed } from './linear-q8-signed';
import { arriveLast, awaitRelease, barrier, barriers, failed, nextRun, release, startRun, stopped } from './pool';
import { quantizeRows } from './quantize';
import {
  binaryRows,
  cacheWriteRows,
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

/** Multiply-adds of one chunk at most: some 0.2 ms, so that cancelling is heard and threads end together. */
const CHUNK_WORK: f64 = 4194304;
/** Chunks of an operation per thread, unless they are too large then. */
const CHUNKS: i32 = 8;

/**
 * Runs `count` operations, with the threads of the pool if there are any. Returns 0; 1 when the run was cancelled; 2 when
 * a thread failed.
 */
export function runPlan(plan: usize, count: i32, run: usize, pool: usize): i32 {
  if (ASC_FEATURE_THREADS) {
    if (load<i32>(pool, POOL_THREADS) > 1) return runTogether(plan, count, run, pool);
  }
  for (let i = 0; i < count; i++) {
    const op = plan + <usize>i * OP_BYTES;
    const units = unitsOf(op, run);
    const size = chunkSize(op, run, units, 1);
    for (let from = 0; from < units; from += size) {
      if (cancelled()) return 1;
      executePart(op, run, from, min(from + size, units), 0);
    }
    if (isPair(op)) i++;
  }
  return 0;
}

function runTogether(plan: usize, count: i32, run: usize, pool: usize): i32 {
  for (let i = 0; i < count; i++) store<i32>(plan + <usize>i * OP_BYTES, 0, OP_TAKEN);
  startRun(pool, plan, count, run);
  runShare(plan, count, run, pool, 0);
  if (failed(pool)) return 2;
  return load<i32>(run, RUN_CANCELLED);
}

/** A thread of the pool: runs its share of every run until the pool stops. */
export function work(pool: usize, thread: i32): void {
  if (!ASC_FEATURE_THREADS) return;
  let seen = 0;
  for (;;) {
    seen = nextRun(pool, seen);
    if (stopped(pool) || failed(pool)) return;
    runShare(<usize>load<i32>(pool, POOL_PLAN), load<i32>(pool, POOL_COUNT), <usize>load<i32>(pool, POOL_RUN), pool, thread);
  }
}

/** One thread's way through a plan. All threads take the same turns, also when the run is cancelled: they meet. */
function runShare(plan: usize, count: i32, run: usize, pool: usize, thread: i32): void {
  const threads = load<i32>(pool, POOL_THREADS);
  let together = true;
  for (let i = 0; i < count; i++) {
    const op = plan + <usize>i * OP_BYTES;
    const units = unitsOf(op, run);
    if (units == 1 && !isPair(op)) {
      // Nothing to share: whoever arrives last does it, and what follows of this kind, before letting the others go.
      let end = i + 1;
      while (end < count && isSingle(plan + <usize>end * OP_BYTES, run)) end++;
      const before = barriers(pool);
      if (arriveLast(pool)) {
        for (let j = i; j < end; j++) executePart(plan + <usize>j * OP_BYTES, run, 0, 1, thread);
        release(pool);
      } else awaitRelease(pool, before);
      together = true;
      i = end - 1;
      continue;
    }
    if (!together && load<i32>(op, OP_FLAGS) & FLAG_BARRIER) barrier(pool);
    together = false;
    const size = chunkSize(op, run, units, threads);
    for (;;) {
      const from = atomic.add<i32>(op, size, OP_TAKEN);
      if (from >= units || isCancelled(run, thread) || failed(pool)) break;
      executePart(op, run, from, min(from + size, units), thread);
    }
    if (isPair(op)) i++;
  }
  barrier(pool);
}

/** The engine's thread asks the host and tells the others. */
function isCancelled(run: usize, thread: i32): bool {
  if (thread == 0 && cancelled()) atomic.store<i32>(run, 1, RUN_CANCELLED);
  return atomic.load<i32>(run, RUN_CANCELLED) != 0;
}

// @ts-ignore: decorator
@inline
function isPair(op: usize): bool {
  return (load<i32>(op, OP_FLAGS) & FLAG_PAIR) != 0;
}

function isSingle(op: usize, run: usize): bool {
  return unitsOf(op, run) == 1 && !isPair(op);
}

function executePart(op: usize, run: usize, from: i32, to: i32, thread: i32): void {
  execute(op, run, from, to, thread);
  if (isPair(op)) execute(op + OP_BYTES, run, from, to, thread);
}

/** Rows that the operation works on. */
// @ts-ignore: decorator
@inline
function rowsOf(op: usize, run: usize): i32 {
  return load<i32>(run + (load<i32>(op, OP_FLAGS) & FLAG_LOGIT_ROWS ? RUN_LOGIT_ROWS : RUN_ROWS));
}

/** Parts that can be computed apart: panels of outputs, heads x rows, rows. */
function unitsOf(op: usize, run: usize): i32 {
  const code = load<i32>(op, OP_CODE);
  if (code == LINEAR) return (load<i32>(op, OP_OUTPUTS) + 7) >> 3;
  if (code == ATTENTION) return attentionUnitCount(op, run);
  return rowsOf(op, run);
}

/** Units of one chunk: small enough to be shared evenly, and for cancelling to be heard. */
function chunkSize(op: usize, run: usize, units: i32, threads: i32): i32 {
  const chunks = threads * CHUNKS;
  const even = (units + chunks - 1) / chunks;
  if (load<i32>(op, OP_CODE) != LINEAR) return max(even, 1);
  // Whole groups of four panels, which the float32 kernel takes together.
  const work = <f64>load<i32>(op, OP_WIDTH) * 8 * <f64>max(rowsOf(op, run), 1);
  return max(min((even + 3) & ~3, <i32>(CHUNK_WORK / work)), 1);
}

export function execute(op: usize, run: usize, from: i32, to: i32, thread: i32): void {
  const rows = rowsOf(op, run);
  switch (load<i32>(op, OP_CODE)) {
    case LINEAR:
      linear(op, run, rows, from, to, thread);
      break;
    case QUANTIZE:
      quantizeRows(op, from, to);
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
    case GATHER:
      gatherRows(op, run, from, to);
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
  switch (load<i32>(op, OP_LAYOUT)) {
    case LAYOUT_F32:
      linearF32(op, rows, from, to);
      break;
    case LAYOUT_F16:
      linearF16(op, rows, from, to, scratch);
      break;
    case LAYOUT_Q8_SIGNED:
      linearQ8Signed(op, rows, from, to);
      break;
    default:
      linearInt8(op, rows, from, to, scratch);
  }
}

// @ts-ignore: decorator
@inline
function tileOf(run: usize, thread: i32): usize {
  return <usize>load<i32>(run, RUN_TILES) + <usize>thread * <usize>load<i32>(run, RUN_TILE_STRIDE);
}
