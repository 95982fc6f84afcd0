/** A part of one operation: calls its kernel. */
import {
  ATTENTION,
  ATTENTION_MERGE,
  BINARY,
  CACHE_WRITE,
  COPY,
  EMBED,
  GATHER,
  LAYER_NORM,
  LAYOUT_BF16,
  LAYOUT_F16,
  LAYOUT_F32,
  LINEAR,
  LOGIT_SUMS,
  OP_CODE,
  OP_LAYOUT,
  PACK,
  QUANTIZE,
  RAISE,
  RMS_NORM,
  ROPE,
  RUN_STREAMS,
  RUN_TILE_STRIDE,
  RUN_TILES,
  UNARY,
} from '../../engine/executors/wasm/plan-layout';
import { attentionUnits } from '../attention/attention';
import { cacheWriteRows } from '../attention/cache';
import { mergeRows } from '../attention/merge';
import { linearF32 } from '../float/linear';
import { linearHalf } from '../half/linear';
import { linearInt8 } from '../int8/linear';
import { quantizeRows } from '../int8/quantize';
import { packPanels, raiseTogether } from '../pack/panels';
import { sumLogitRows } from '../rows/logits';
import {
  binaryRows,
  copyRows,
  embedRows,
  gatherRows,
  layerNormRows,
  rmsNormRows,
  ropeRows,
  unaryRows,
} from '../rows/rows';
import { rowsOf } from './chunks';

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
    case PACK:
      packPanels(op, run, from, to);
      break;
    case RAISE:
      raiseTogether(op, run, from, to);
      break;
    default:
      unreachable();
  }
}

function linear(op: usize, run: usize, rows: i32, from: i32, to: i32, thread: i32): void {
  const scratch = tileOf(run, thread);
  const streams = load<i32>(run, RUN_STREAMS);
  switch (load<i32>(op, OP_LAYOUT)) {
    case LAYOUT_F32:
      linearF32(op, rows, from, to);
      break;
    case LAYOUT_F16:
      linearHalf(false, op, rows, from, to, streams, scratch);
      break;
    case LAYOUT_BF16:
      linearHalf(true, op, rows, from, to, streams, scratch);
      break;
    default:
      linearInt8(op, rows, from, to, streams, scratch);
  }
}

// @inline
export function tileOf(run: usize, thread: i32): usize {
  return <usize>load<i32>(run, RUN_TILES) + <usize>thread * <usize>load<i32>(run, RUN_TILE_STRIDE);
}
