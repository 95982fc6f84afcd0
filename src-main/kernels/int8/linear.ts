/** y = x W^T with 8-bit activations and integer weights, for panels `from` up to `to` of 8 outputs. */
import {
  KEPT_PANELS,
  OP_LAYOUT,
  OP_WEIGHT,
  OP_WIDTH,
  OP_X,
  OP_X_STRIDE,
  OP_ZERO,
  XQ_BLOCK,
} from '../../engine/executors/wasm/plan-layout';
import { FOUR_ROWS } from '../base/epilogue';
import { apartOf, MANY_ROWS, streamsOf } from '../base/streams';
import {
  blockBytes,
  fourRows,
  fourRowsOfTwoPanels,
  isTiled,
  isWideOnly,
  mostStreamsOf,
  oneRow,
  oneRowOfStreams,
  takesTwoRows,
  tileBlockBytes,
  twoRowsOfTwoPanels,
  unpackTile,
} from './generated';
import { inFours, XQ4_BLOCK } from './quantize';
import { clearSums, storeFourRows } from './sums';

/** Blocks that are read from one stream before the next. */
const STRETCH: i32 = 2;

/** @param mostStreams see base/streams.ts @param scratch memory for four times the sums of KEPT_PANELS, or of two panels and their tiles */
export function linearInt8(op: usize, rows: i32, from: i32, to: i32, mostStreams: i32, scratch: usize): void {
  const layout = load<i32>(op, OP_LAYOUT);
  const blocks = load<i32>(op, OP_WIDTH) >> 5;
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const zero = load<i32>(op, OP_ZERO);
  const panelBytes = <usize>blocks * blockBytes(layout);
  const tile = scratch + 128;
  const tiled = isTiled(layout, rows);
  const fours = inFours(rows);
  let w = <usize>load<i32>(op, OP_WEIGHT) + <usize>from * panelBytes;
  if (rows < MANY_ROWS && !tiled && (WIDE || !isWideOnly(layout))) {
    // What one number of streams leaves over, fewer take.
    for (let streams: i32; (streams = streamsOf(to - from, mostStreamsOf(layout, mostStreams))) > 0;) {
      const apart = apartOf(to - from, streams);
      const step = <usize>apart * panelBytes;
      for (const end = from + apart; from < end;) {
        const panels = min(KEPT_PANELS / streams, end - from);
        panelsOfFewRows(layout, op, rows, w, step, blocks, from, panels, streams, apart, zero, scratch);
        from += panels;
        w += <usize>panels * panelBytes;
      }
      from += (streams - 1) * apart;
      w += <usize>(streams - 1) * step;
    }
  }
  if (WIDE && fours) {
    const tileBytes = <usize>blocks * tileBlockBytes(layout);
    const tiles = scratch + 2 * FOUR_ROWS;
    for (; from + 2 <= to; from += 2, w += 2 * panelBytes) {
      let x = <usize>load<i32>(op, OP_X);
      let row = 0;
      if (tiled) {
        unpackTile(layout, w, blocks, tiles, zero);
        unpackTile(layout, w + panelBytes, blocks, tiles + tileBytes, zero);
      }
      for (; row < fours; row += 4, x += 4 * stride) {
        clearSums(scratch, 2);
        if (tiled) fourRowsOfTwoPanels(layout, true, x, tiles, tileBytes, blocks, zero, scratch);
        else fourRowsOfTwoPanels(layout, false, x, w, panelBytes, blocks, zero, scratch);
        storeFourRows(op, row, min(rows - row, 4), from, 2, 1, 0, scratch);
      }
      for (; row < rows; row++, x += stride) {
        oneRow(layout, op, x, w, blocks, row, from, zero);
        oneRow(layout, op, x, w + panelBytes, blocks, row, from + 1, zero);
      }
    }
  }
  // There may be no kernel for four rows of one panel as it is in memory.
  const unpacked = tiled || (fours > 0 && isWideOnly(layout));
  for (let panel = from; panel < to; panel++, w += panelBytes) {
    let x = <usize>load<i32>(op, OP_X);
    let row = 0;
    if (unpacked) unpackTile(layout, w, blocks, tile, zero);
    for (; row < fours; row += 4, x += 4 * stride) {
      clearSums(scratch, 1);
      fourRows(layout, unpacked, x, unpacked ? tile : w, blocks, zero, scratch);
      storeFourRows(op, row, min(rows - row, 4), panel, 1, 1, 0, scratch);
    }
    for (; row < rows; row++, x += stride) oneRow(layout, op, x, w, blocks, row, panel, zero);
  }
}

/**
 * A few panels of each stream. What four rows' outputs are added to or multiplied by is in four parts of memory for each
 * stream. Looked up after each panel, that would disturb how the processor follows the weights, which then come at half the
 * speed: so sums are stored, and finished together.
 */
function panelsOfFewRows(
  layout: i32,
  op: usize,
  rows: i32,
  w: usize,
  step: usize,
  blocks: i32,
  panel: i32,
  panels: i32,
  streams: i32,
  apart: i32,
  zero: i32,
  sums: usize,
): void {
  const bytes = <usize>blocks * blockBytes(layout);
  const size = <usize>streams * FOUR_ROWS;
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const ofFour = <usize>KEPT_PANELS * FOUR_ROWS;
  const fours = inFours(rows);
  const two = WIDE && fours + 2 == rows && takesTwoRows(layout);
  // Sixteen rows leave none over.
  const alone = sums + 3 * ofFour;
  let next = sums;
  for (let i = 0; i < panels; i++, w += bytes, next += size) {
    let x = <usize>load<i32>(op, OP_X);
    let row = 0;
    let to = next;
    for (; row < fours; row += 4, x += 4 * stride, to += ofFour)
      fourRowsOfStreams(layout, x, w, step, blocks, streams, zero, to);
    if (two) twoRowsOfStreams(layout, x, stride, w, step, blocks, streams, zero, to);
    else
      for (; row < rows; row++, x += stride)
        oneRowOfStreams(layout, op, x, w, step, blocks, row, panel + i, streams, apart, zero, alone);
  }
  const stored = two ? rows : fours;
  for (let row = 0; row < stored; row += 4, sums += ofFour) {
    storeFourRows(op, row, min(rows - row, 4), panel, panels, streams, apart, sums);
  }
}

/** Sums of four rows and one panel of each stream. */
function fourRowsOfStreams(
  layout: i32,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  streams: i32,
  zero: i32,
  sums: usize,
): void {
  // Two streams alternate with every block, in which case the kernels do it.
  const most = WIDE && streams == 2 ? blocks : STRETCH;
  const bytes = <usize>most * blockBytes(layout);
  const size = <usize>streams * FOUR_ROWS;
  clearSums(sums, <usize>streams);
  for (; blocks > 0; blocks -= most, w += bytes, x += <usize>most * XQ4_BLOCK) {
    const count = min(blocks, most);
    let at = w;
    if (WIDE) {
      for (let i: usize = 0; i < size; i += 2 * FOUR_ROWS, at += 2 * step) {
        fourRowsOfTwoPanels(layout, false, x, at, step, count, zero, sums + i);
      }
      continue;
    }
    for (let i: usize = 0; i < size; i += FOUR_ROWS, at += step) {
      fourRows(layout, false, x, at, count, zero, sums + i);
    }
  }
}

/**
 * Sums of two rows and one panel of each stream.
 * @param stride bytes from the first row to the second @param step from one stream to the next
 * @param sums `f32[streams][4][8]`, of which two rows are used
 */
function twoRowsOfStreams(
  layout: i32,
  x: usize,
  stride: usize,
  w: usize,
  step: usize,
  blocks: i32,
  streams: i32,
  zero: i32,
  sums: usize,
): void {
  const most = streams == 2 ? blocks : 1;
  const bytes = <usize>most * blockBytes(layout);
  const end = sums + <usize>streams * FOUR_ROWS;
  clearSums(sums, <usize>streams);
  for (; blocks > 0; blocks -= most, w += bytes, x += <usize>most * XQ_BLOCK) {
    let at = w;
    for (let y = sums; y < end; y += 2 * FOUR_ROWS, at += 2 * step) {
      twoRowsOfTwoPanels(layout, x, x + stride, at, step, most, zero, y);
    }
  }
}
