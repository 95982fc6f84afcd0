/** The interpreter: runs a plan from its first operation to its last, in chunks between which cancelling is heard. */
import { attentionUnits } from './attention';
import {
  ATTENTION,
  BINARY,
  CACHE_WRITE,
  COPY,
  EMBED,
  FLAG_LOGIT_ROWS,
  FLAG_PAIR,
  GATHER,
  LAYER_NORM,
  LAYOUT_F16,
  LAYOUT_F32,
  LAYOUT_Q4,
  LAYOUT_Q4_MIN,
  LAYOUT_Q8,
  LINEAR,
  OP_BYTES,
  OP_CODE,
  OP_FLAGS,
  OP_KV_HEADS,
  OP_LAYOUT,
  OP_OUTPUTS,
  OP_WIDTH,
  QUANTIZE,
  RMS_NORM,
  ROPE,
  RUN_CANCELLED,
  RUN_LOGIT_ROWS,
  RUN_ROWS,
  UNARY,
} from '../engine/executors/wasm/plan-layout';
import { linearF16 } from './linear-f16';
import { linearF32 } from './linear-f32';
import { linearQ4, linearQ4Min } from './linear-q4';
import { linearQ8 } from './linear-q8';
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
/** Chunks of an operation at most, when it is small: enough for threads to share. */
const CHUNKS: i32 = 16;

/** Runs `count` operations. Returns 1 when the run was cancelled, else 0. */
export function runPlan(plan: usize, count: i32, run: usize): i32 {
  for (let i = 0; i < count; i++) {
    const op = plan + <usize>i * OP_BYTES;
    const pair = (load<i32>(op, OP_FLAGS) & FLAG_PAIR) != 0;
    const units = unitsOf(op, run);
    const size = chunkSize(op, run, units);
    for (let from = 0; from < units; from += size) {
      if (cancelled()) {
        store<i32>(run, 1, RUN_CANCELLED);
        return 1;
      }
      const to = min(from + size, units);
      execute(op, run, from, to, 0);
      if (pair) execute(op + OP_BYTES, run, from, to, 0);
    }
    if (pair) i++;
  }
  return 0;
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
  if (code == ATTENTION) return load<i32>(op, OP_KV_HEADS) * load<i32>(run, RUN_ROWS);
  return rowsOf(op, run);
}

function chunkSize(op: usize, run: usize, units: i32): i32 {
  // Whole groups of four panels, which the float32 kernel takes together.
  const even = load<i32>(op, OP_CODE) == LINEAR ? ((units + CHUNKS - 1) / CHUNKS + 3) & ~3 : (units + CHUNKS - 1) / CHUNKS;
  if (load<i32>(op, OP_CODE) != LINEAR) return max(even, 1);
  const work = <f64>load<i32>(op, OP_WIDTH) * 8 * <f64>max(rowsOf(op, run), 1);
  return max(min(even, <i32>(CHUNK_WORK / work)), 1);
}

export function execute(op: usize, run: usize, from: i32, to: i32, thread: i32): void {
  const rows = rowsOf(op, run);
  switch (load<i32>(op, OP_CODE)) {
    case LINEAR:
      linear(op, rows, from, to);
      break;
    case QUANTIZE:
      quantizeRows(op, from, to);
      break;
    case EMBED:
      embedRows(op, run, from, to);
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

function linear(op: usize, rows: i32, from: i32, to: i32): void {
  switch (load<i32>(op, OP_LAYOUT)) {
    case LAYOUT_F32:
      linearF32(op, rows, from, to);
      break;
    case LAYOUT_F16:
      linearF16(op, rows, from, to);
      break;
    case LAYOUT_Q8:
      linearQ8(op, rows, from, to);
      break;
    case LAYOUT_Q4:
      linearQ4(op, rows, from, to);
      break;
    case LAYOUT_Q4_MIN:
      linearQ4Min(op, rows, from, to);
      break;
    default:
      unreachable();
  }
}
