/** How operations are cut into chunks: evenly, in an order that suits memory, and small enough for cancelling to be heard. */
import {
  ATTENTION,
  FLAG_LOGIT_ROWS,
  LINEAR,
  LOGIT_SUMS,
  OP_CODE,
  OP_FLAGS,
  OP_OUTPUTS,
  OP_PANELS,
  OP_WIDTH,
  PACK,
  RAISE,
  RUN_LOGIT_ROWS,
  RUN_ROWS,
  RUN_SPLITS,
  RUN_STREAMS,
} from '../../engine/executors/wasm/plan-layout';
import { attentionUnitCount } from '../attention/attention';
import { MANY_ROWS } from '../base/streams';

/** Multiply-adds of one chunk at most: some 0.2 ms, so that cancelling is heard and threads end together. */
const CHUNK_WORK: f64 = 9437184;
/** Chunks of an operation per thread, unless they are too large then. */
const CHUNKS: i32 = 8;
/** Small chunks per thread that all units would make, unless fewer than four panels are left for each. */
const SMALL_CHUNKS: i32 = 32;

/** Rows that the operation works on. */
// @inline
export function rowsOf(op: usize, run: usize): i32 {
  return load<i32>(run + (load<i32>(op, OP_FLAGS) & FLAG_LOGIT_ROWS ? RUN_LOGIT_ROWS : RUN_ROWS));
}

/** Parts that can be computed apart: panels of outputs, blocks of rows, rows. */
export function unitsOf(op: usize, run: usize): i32 {
  const code = load<i32>(op, OP_CODE);
  if (code == LINEAR || code == LOGIT_SUMS) return (load<i32>(op, OP_OUTPUTS) + 7) >> 3;
  if (code == ATTENTION) return attentionUnitCount(op, run);
  if (code == PACK || code == RAISE) return load<i32>(op, OP_PANELS);
  return rowsOf(op, run);
}

/** Units of one chunk: small enough to be shared evenly, and for cancelling to be heard. */
export function chunkSize(op: usize, run: usize, units: i32, threads: i32): i32 {
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
export function largeChunk(op: usize, run: usize, units: i32, threads: i32, size: i32): i32 {
  if (load<i32>(op, OP_CODE) != LINEAR || rowsOf(op, run) >= MANY_ROWS) return size;
  if (isInWholes(run)) return ((units + threads - 1) / threads + 3) & ~3;
  return max(((units * 3) / (4 * threads)) & ~3, size);
}

/** Whether threads share evenly what is read once: it takes processors that read best from two streams a while to follow each stretch. */
// @inline
export function isInWholes(run: usize): bool {
  return load<i32>(run, RUN_STREAMS) == 2;
}

/** First unit of a chunk. */
// @inline
export function chunkStart(chunk: i32, threads: i32, large: i32, size: i32): i32 {
  return chunk < threads ? chunk * large : threads * large + (chunk - threads) * size;
}
