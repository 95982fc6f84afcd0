/** y = x W^T with 8-bit activations and integer weights, for panels `from` up to `to` of 8 outputs. */
import {
  LAYOUT_IQ4,
  LAYOUT_Q4,
  LAYOUT_Q4_MIN,
  LAYOUT_Q5,
  LAYOUT_Q5_MIN,
  LAYOUT_Q6,
  LAYOUT_Q8,
  OP_LAYOUT,
  OP_WEIGHT,
  OP_WIDTH,
  OP_X,
  OP_X_STRIDE,
  OP_ZERO,
} from '../engine/executors/wasm/plan-layout';
import { tileFourRows, tileFourRowsHalves, tileRow, tileRowHalves } from './int8-tile';
import { rowNibbles, rowQ6 } from './int8-row';
import { blockBytes, hasMin, tableIQ4, unpackTile } from './tile';

/** @param scratch room for the sums of four rows and, but for Q8, one panel's tile */
export function linearInt8(op: usize, rows: i32, from: i32, to: i32, scratch: usize): void {
  const layout = load<i32>(op, OP_LAYOUT);
  const x = <usize>load<i32>(op, OP_X);
  const blocks = load<i32>(op, OP_WIDTH) >> 5;
  const zero = load<i32>(op, OP_ZERO);
  const panelBytes = <usize>blocks * blockBytes(layout);
  let w = <usize>load<i32>(op, OP_WEIGHT) + <usize>from * panelBytes;
  for (let panel = from; panel < to; panel++, w += panelBytes) {
    if (layout == LAYOUT_Q8) multiply(op, rows, w, layout, blocks, panel, scratch);
    else if (rows == 1) unpackedInRegisters(op, x, w, layout, blocks, panel, zero);
    else {
      const tile = scratch + 128;
      unpackTile(layout, w, blocks, tile, zero);
      multiply(op, rows, tile, layout, blocks, panel, scratch);
    }
  }
}

function unpackedInRegisters(op: usize, x: usize, w: usize, layout: i32, blocks: i32, panel: i32, zero: i32): void {
  switch (layout) {
    case LAYOUT_Q4:
      rowQ4(op, x, w, blocks, panel);
      break;
    case LAYOUT_Q4_MIN:
      rowQ4Min(op, x, w, blocks, panel);
      break;
    case LAYOUT_Q5:
      rowQ5(op, x, w, blocks, panel);
      break;
    case LAYOUT_Q5_MIN:
      rowQ5Min(op, x, w, blocks, panel);
      break;
    case LAYOUT_IQ4:
      rowIQ4(op, x, w, blocks, panel, zero);
      break;
    case LAYOUT_Q6:
      rowQ6(op, x, w, blocks, panel);
      break;
    default:
      unreachable();
  }
}

function multiply(op: usize, rows: i32, tile: usize, layout: i32, blocks: i32, panel: i32, sums: usize): void {
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const zero = load<i32>(op, OP_ZERO);
  let x = <usize>load<i32>(op, OP_X);
  let row = 0;
  if (layout == LAYOUT_Q6) {
    for (; row + 4 <= rows; row += 4, x += 4 * stride) tileFourRowsHalves(op, x, stride, tile, blocks, row, panel, zero, sums);
    for (; row < rows; row++, x += stride) tileRowHalves(op, x, tile, blocks, row, panel, zero);
  } else if (hasMin(layout)) {
    for (; row + 4 <= rows; row += 4, x += 4 * stride) fourRowsMin(op, x, stride, tile, blocks, row, panel, sums);
    for (; row < rows; row++, x += stride) rowMin(op, x, tile, blocks, row, panel);
  } else {
    for (; row + 4 <= rows; row += 4, x += 4 * stride) fourRows(op, x, stride, tile, blocks, row, panel, zero, sums);
    for (; row < rows; row++, x += stride) oneRow(op, x, tile, blocks, row, panel, zero);
  }
}

// Functions of their own: V8 gives each its registers.
function fourRows(op: usize, x: usize, stride: usize, tile: usize, blocks: i32, row: i32, panel: i32, zero: i32, sums: usize): void {
  tileFourRows(op, x, stride, tile, blocks, row, panel, zero, false, sums);
}

function fourRowsMin(op: usize, x: usize, stride: usize, tile: usize, blocks: i32, row: i32, panel: i32, sums: usize): void {
  tileFourRows(op, x, stride, tile, blocks, row, panel, 0, true, sums);
}

function oneRow(op: usize, x: usize, tile: usize, blocks: i32, row: i32, panel: i32, zero: i32): void {
  tileRow(op, x, tile, blocks, row, panel, zero, false);
}

function rowMin(op: usize, x: usize, tile: usize, blocks: i32, row: i32, panel: i32): void {
  tileRow(op, x, tile, blocks, row, panel, 0, true);
}

function rowQ4(op: usize, x: usize, w: usize, blocks: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, panel, 8, false, false, false, i8x16.splat(0));
}

function rowQ4Min(op: usize, x: usize, w: usize, blocks: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, panel, 0, true, false, false, i8x16.splat(0));
}

function rowQ5(op: usize, x: usize, w: usize, blocks: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, panel, 16, false, true, false, i8x16.splat(0));
}

function rowQ5Min(op: usize, x: usize, w: usize, blocks: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, panel, 0, true, true, false, i8x16.splat(0));
}

function rowIQ4(op: usize, x: usize, w: usize, blocks: i32, panel: i32, zero: i32): void {
  rowNibbles(op, x, w, blocks, panel, zero, false, false, true, tableIQ4(zero));
}
