/** Operations that load weights: panels of a matrix, by whichever thread takes them. */
import {
  OP_FIRST_ROW,
  OP_LAYOUT,
  OP_PACKING,
  OP_PANEL,
  OP_RAISED,
  OP_ROWS,
  OP_WEIGHT,
  OP_WIDTH,
  OP_X,
  OP_X_STRIDE,
  PACK_F32,
  PACK_HALF,
  PACK_Q3_K,
  PACK_Q4,
  PACK_Q4_K,
  PACK_Q4_MIN,
  PACK_Q5,
  PACK_Q5_K,
  PACK_Q5_MIN,
  PACK_Q6_K,
  PACK_Q8,
  PACK_Q8_SIGNED,
  PACK_Q8_UNSIGNED,
  RUN_TOO_LARGE,
} from '../../engine/executors/wasm/plan-layout';
import { packF32, packHalf, packQ4, packQ4Min, packQ5, packQ5Min, packQ8, packQ8Signed, packQ8Unsigned } from './pack';
import { packQ3K, packQ4K, packQ5K, packQ6K } from './pack-k';
import { canRaise, raisePanels } from './raise';

/** Packs the rows of panels `from` up to `to` of those that the operation has. */
export function packPanels(op: usize, run: usize, from: i32, to: i32): void {
  const first = load<i32>(op, OP_FIRST_ROW);
  const panel = load<i32>(op, OP_PANEL);
  const row = max(first, (panel + from) * 8);
  const rows = min(first + load<i32>(op, OP_ROWS), (panel + to) * 8) - row;
  const source = <usize>load<i32>(op, OP_X) + <usize>(row - first) * <usize>load<i32>(op, OP_X_STRIDE);
  const target = <usize>load<i32>(op, OP_WEIGHT);
  const width = load<i32>(op, OP_WIDTH);
  pack(load<i32>(op, OP_PACKING), source, target, width, row, rows);
  if (load<i32>(op, OP_RAISED) && !canRaise(load<i32>(op, OP_LAYOUT), target, width, panel + from, panel + to)) {
    store<i32>(run, 1, RUN_TOO_LARGE);
  }
}

function pack(packing: i32, source: usize, target: usize, width: i32, first: i32, rows: i32): void {
  switch (packing) {
    case PACK_F32:
      packF32(source, target, width, first, rows);
      break;
    case PACK_HALF:
      packHalf(source, target, width, first, rows);
      break;
    case PACK_Q8:
      packQ8(source, target, width, first, rows);
      break;
    case PACK_Q8_UNSIGNED:
      packQ8Unsigned(source, target, width, first, rows);
      break;
    case PACK_Q8_SIGNED:
      packQ8Signed(source, target, width, first, rows);
      break;
    case PACK_Q4:
      packQ4(source, target, width, first, rows);
      break;
    case PACK_Q4_MIN:
      packQ4Min(source, target, width, first, rows);
      break;
    case PACK_Q5:
      packQ5(source, target, width, first, rows);
      break;
    case PACK_Q5_MIN:
      packQ5Min(source, target, width, first, rows);
      break;
    case PACK_Q4_K:
      packQ4K(source, target, width, first, rows);
      break;
    case PACK_Q5_K:
      packQ5K(source, target, width, first, rows);
      break;
    case PACK_Q3_K:
      packQ3K(source, target, width, first, rows);
      break;
    case PACK_Q6_K:
      packQ6K(source, target, width, first, rows);
      break;
    default:
      unreachable();
  }
}

/** Raises panels, which all threads have packed, unless a number is too large for that. */
export function raiseTogether(op: usize, run: usize, from: i32, to: i32): void {
  if (load<i32>(run, RUN_TOO_LARGE)) return;
  const panel = load<i32>(op, OP_PANEL);
  const target = <usize>load<i32>(op, OP_WEIGHT);
  raisePanels(load<i32>(op, OP_LAYOUT), target, load<i32>(op, OP_WIDTH), panel + from, panel + to);
}
