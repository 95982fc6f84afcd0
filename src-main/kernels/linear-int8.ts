/** y = x W^T with 8-bit activations and integer weights, for panels `from` up to `to` of 8 outputs. */
import {
  KEPT_PANELS,
  LAYOUT_IQ4,
  LAYOUT_Q4,
  LAYOUT_Q4_MIN,
  LAYOUT_Q4_MIN_SHORT,
  LAYOUT_Q4_SHORT,
  LAYOUT_Q5,
  LAYOUT_Q5_MIN,
  LAYOUT_Q6,
  OP_LAYOUT,
  OP_WEIGHT,
  OP_WIDTH,
  OP_X,
  OP_X_STRIDE,
  OP_ZERO,
} from '../engine/executors/wasm/plan-layout';
import { FOUR_ROWS } from './epilogue';
import { clearSums, oneRow } from './int8-row';
import { halvesFourRows, nibblesFourRows, sixBitsFourRows, storeFourRows, tileFourRows } from './int8-tile';
import { halvesFourRows as wideHalvesFourRows, nibblesTwoPanels, tilesFourRows } from './int8-wide';
import { inFours, XQ4_BLOCK } from './quantize';
import { fivesInTurns } from './int8-fives-wide';
import { nibblesInTurns, q6InTurns, q8InTurns } from './int8-strands';
import { takesTwoRows, twoRowsInTurns } from './int8-two-rows-wide';
import { apartOf, MANY_ROWS, strandsOf } from './strands';
import { blockBytes, tableIQ4, tileBlockBytes, unpackTile } from './tile';

/** Blocks of one panel before the next one's turn comes. */
const TURN: i32 = 2;

/** @param places see strands.ts @param scratch room for four times the sums of KEPT_PANELS, or of two panels and their tiles */
export function linearInt8(op: usize, rows: i32, from: i32, to: i32, places: i32, scratch: usize): void {
  const layout = load<i32>(op, OP_LAYOUT);
  const blocks = load<i32>(op, OP_WIDTH) >> 5;
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const zero = load<i32>(op, OP_ZERO);
  const panelBytes = <usize>blocks * blockBytes(layout);
  const tile = scratch + 128;
  const tiled = isTiled(layout, rows);
  const fours = inFours(rows);
  let w = <usize>load<i32>(op, OP_WEIGHT) + <usize>from * panelBytes;
  if (rows < MANY_ROWS && !tiled && (WIDE || !isFive(layout))) {
    // What one number of strands leaves over, fewer take.
    for (let strands: i32; (strands = strandsOf(to - from, layout == LAYOUT_Q6 ? min(places, 4) : places)) > 0; ) {
      const apart = apartOf(to - from, strands);
      const step = <usize>apart * panelBytes;
      for (const end = from + apart; from < end; ) {
        const panels = min(KEPT_PANELS / strands, end - from);
        panelsOfFewRows(layout, op, rows, w, step, blocks, from, panels, strands, apart, zero, scratch);
        from += panels;
        w += <usize>panels * panelBytes;
      }
      from += (strands - 1) * apart;
      w += <usize>(strands - 1) * step;
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
        if (tiled) twoPanels(layout, true, x, tiles, tileBytes, blocks, zero, scratch);
        else twoPanels(layout, false, x, w, panelBytes, blocks, zero, scratch);
        storeFourRows(op, row, min(rows - row, 4), from, 2, 1, 0, scratch);
      }
      for (; row < rows; row++, x += stride) {
        oneRow(layout, op, x, w, blocks, row, from, zero);
        oneRow(layout, op, x, w + panelBytes, blocks, row, from + 1, zero);
      }
    }
  }
  // There is no kernel for four rows and five bits of one panel.
  const unpacked = tiled || (fours > 0 && isFive(layout));
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
 * A few panels of each strand. What four rows' outputs are added to or multiplied by lies in memory in four places for each
 * strand. Looked up after each panel, that would disturb how the processor follows the weights, which then come at half the
 * speed: so sums are kept, and finished together.
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
  strands: i32,
  apart: i32,
  zero: i32,
  kept: usize,
): void {
  const bytes = <usize>blocks * blockBytes(layout);
  const size = <usize>strands * FOUR_ROWS;
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const ofFour = <usize>KEPT_PANELS * FOUR_ROWS;
  const fours = inFours(rows);
  const two = WIDE && fours + 2 == rows && takesTwoRows(layout);
  // Sixteen rows leave none over.
  const alone = kept + 3 * ofFour;
  let sums = kept;
  for (let i = 0; i < panels; i++, w += bytes, sums += size) {
    let x = <usize>load<i32>(op, OP_X);
    let row = 0;
    let to = sums;
    for (; row < fours; row += 4, x += 4 * stride, to += ofFour) fourRowsInTurns(layout, x, w, step, blocks, strands, zero, to);
    if (two) twoRowsInTurns(layout, x, stride, w, step, blocks, strands, zero, to);
    else for (; row < rows; row++, x += stride) panelsInTurns(layout, op, x, w, step, blocks, row, panel + i, strands, apart, zero, alone);
  }
  const stored = two ? rows : fours;
  for (let row = 0; row < stored; row += 4, kept += ofFour) {
    storeFourRows(op, row, min(rows - row, 4), panel, panels, strands, apart, kept);
  }
}

/** Sums of four rows and one panel of each strand. */
function fourRowsInTurns(layout: i32, x: usize, w: usize, step: usize, blocks: i32, strands: i32, zero: i32, sums: usize): void {
  // Two take turns in every block.
  const most = WIDE && strands == 2 ? blocks : TURN;
  const bytes = <usize>most * blockBytes(layout);
  const size = <usize>strands * FOUR_ROWS;
  clearSums(sums, <usize>strands);
  for (; blocks > 0; blocks -= most, w += bytes, x += <usize>most * XQ4_BLOCK) {
    const turn = min(blocks, most);
    let at = w;
    if (WIDE) {
      for (let i: usize = 0; i < size; i += 2 * FOUR_ROWS, at += 2 * step) {
        twoPanels(layout, false, x, at, step, turn, zero, sums + i);
      }
      continue;
    }
    for (let i: usize = 0; i < size; i += FOUR_ROWS, at += step) {
      fourRows(layout, false, x, at, turn, zero, sums + i);
    }
  }
}

/**
 * Whether a panel is unpacked before rows are multiplied by it: always where there are too few registers to do it
 * meanwhile, and else once that is faster.
 */
function isTiled(layout: i32, rows: i32): bool {
  if (layout == LAYOUT_Q6 || layout == LAYOUT_Q4 || layout == LAYOUT_Q4_MIN) return rows >= MANY_ROWS;
  if (WIDE && (layout == LAYOUT_Q4_SHORT || layout == LAYOUT_Q4_MIN_SHORT)) return rows >= MANY_ROWS;
  if (isFive(layout)) return rows >= (WIDE ? MANY_ROWS : 3);
  return rows >= 3 && layout == LAYOUT_IQ4;
}

// @ts-ignore: decorator
@inline
function isFive(layout: i32): bool {
  return layout == LAYOUT_Q5 || layout == LAYOUT_Q5_MIN;
}

/** Adds products of four rows of activations, which lie together, to the `f32[4][8]` at `sums`. */
// @ts-ignore: decorator
@inline
function fourRows(
  layout: i32,
  tiled: bool,
  x: usize,
  w: usize,
  blocks: i32,
  zero: i32,
  sums: usize,
): void {
  switch (layout) {
    case LAYOUT_Q4:
      if (tiled) fourQ8(x, w, blocks, 8, sums);
      else fourQ4(x, w, blocks, sums);
      break;
    case LAYOUT_Q4_MIN:
      if (tiled) fourQ8Min(x, w, blocks, sums);
      else fourQ4Min(x, w, blocks, sums);
      break;
    case LAYOUT_Q4_SHORT:
      fourQ4Short(x, w, blocks, sums);
      break;
    case LAYOUT_Q4_MIN_SHORT:
      fourQ4MinShort(x, w, blocks, sums);
      break;
    case LAYOUT_Q6:
      if (tiled) halvesFourRows(x, w, blocks, sums);
      else sixBitsFourRows(x, w, blocks, sums);
      break;
    case LAYOUT_Q5_MIN:
      fourQ8Min(x, w, blocks, sums);
      break;
    default:
      fourQ8(x, w, blocks, zero, sums);
  }
}

/** Adds products of four rows of activations, which lie together, and two panels to the `f32[2][4][8]` at `sums`. */
// @ts-ignore: decorator
@inline
function twoPanels(
  layout: i32,
  tiled: bool,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  zero: i32,
  sums: usize,
): void {
  switch (layout) {
    case LAYOUT_Q4:
    case LAYOUT_Q4_SHORT:
      if (tiled) wideQ8(x, w, step, blocks, 8, sums);
      else wideQ4(x, w, step, blocks, 8, sums);
      break;
    case LAYOUT_Q4_MIN:
    case LAYOUT_Q4_MIN_SHORT:
      if (tiled) wideQ8Min(x, w, step, blocks, sums);
      else wideQ4Min(x, w, step, blocks, sums);
      break;
    case LAYOUT_Q6:
      if (tiled) wideHalves(x, w, step, blocks, sums);
      else wideQ6(x, w, step, blocks, sums);
      break;
    case LAYOUT_Q5:
      if (tiled) wideQ8(x, w, step, blocks, 16, sums);
      else wideQ5(x, w, step, blocks, sums);
      break;
    case LAYOUT_Q5_MIN:
      if (tiled) wideQ8Min(x, w, step, blocks, sums);
      else wideQ5Min(x, w, step, blocks, sums);
      break;
    default:
      wideQ8(x, w, step, blocks, zero, sums);
  }
}

// @ts-ignore: decorator
@inline
function panelsInTurns(
  layout: i32,
  op: usize,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  strands: i32,
  apart: i32,
  zero: i32,
  sums: usize,
): void {
  switch (layout) {
    case LAYOUT_Q4:
      panelsQ4(op, x, w, step, blocks, row, panel, strands, apart, sums);
      break;
    case LAYOUT_Q4_MIN:
      panelsQ4Min(op, x, w, step, blocks, row, panel, strands, apart, sums);
      break;
    case LAYOUT_Q4_SHORT:
      panelsQ4Short(op, x, w, step, blocks, row, panel, strands, apart, sums);
      break;
    case LAYOUT_Q4_MIN_SHORT:
      panelsQ4MinShort(op, x, w, step, blocks, row, panel, strands, apart, sums);
      break;
    case LAYOUT_Q5:
      panelsQ5(op, x, w, step, blocks, row, panel, strands, apart, sums);
      break;
    case LAYOUT_Q5_MIN:
      panelsQ5Min(op, x, w, step, blocks, row, panel, strands, apart, sums);
      break;
    case LAYOUT_Q6:
      q6InTurns(op, x, w, step, blocks, row, panel, strands, apart, sums);
      break;
    case LAYOUT_IQ4:
      panelsIQ4(op, x, w, step, blocks, row, panel, strands, apart, zero, sums);
      break;
    default:
      q8InTurns(op, x, w, step, blocks, row, panel, strands, apart, zero, sums);
  }
}

// Functions of their own: V8 gives each its registers.
function wideQ4(x: usize, w: usize, step: usize, blocks: i32, zero: i32, sums: usize): void {
  nibblesTwoPanels(x, w, step, blocks, zero, false, false, sums);
}

function wideQ4Min(x: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  nibblesTwoPanels(x, w, step, blocks, 0, true, false, sums);
}

function wideQ5(x: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  nibblesTwoPanels(x, w, step, blocks, 16, false, true, sums);
}

function wideQ5Min(x: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  nibblesTwoPanels(x, w, step, blocks, 0, true, true, sums);
}

function wideQ6(x: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  wideHalvesFourRows(x, w, step, blocks, true, sums);
}

function wideQ8(x: usize, tile: usize, step: usize, blocks: i32, zero: i32, sums: usize): void {
  tilesFourRows(x, tile, step, blocks, zero, false, sums);
}

function wideQ8Min(x: usize, tile: usize, step: usize, blocks: i32, sums: usize): void {
  tilesFourRows(x, tile, step, blocks, 0, true, sums);
}

function wideHalves(x: usize, tile: usize, step: usize, blocks: i32, sums: usize): void {
  wideHalvesFourRows(x, tile, step, blocks, false, sums);
}

function fourQ4(x: usize, w: usize, blocks: i32, sums: usize): void {
  nibblesFourRows(x, w, blocks, 8, false, false, sums);
}

function fourQ4Min(x: usize, w: usize, blocks: i32, sums: usize): void {
  nibblesFourRows(x, w, blocks, 0, true, false, sums);
}

function fourQ4Short(x: usize, w: usize, blocks: i32, sums: usize): void {
  nibblesFourRows(x, w, blocks, 8, false, true, sums);
}

function fourQ4MinShort(x: usize, w: usize, blocks: i32, sums: usize): void {
  nibblesFourRows(x, w, blocks, 0, true, true, sums);
}

function fourQ8(x: usize, tile: usize, blocks: i32, zero: i32, sums: usize): void {
  tileFourRows(x, tile, blocks, zero, false, sums);
}

function fourQ8Min(x: usize, tile: usize, blocks: i32, sums: usize): void {
  tileFourRows(x, tile, blocks, 0, true, sums);
}

function panelsQ4(op: usize, x: usize, w: usize, step: usize, blocks: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  nibblesInTurns(op, x, w, step, blocks, row, panel, strands, apart, 8, false, false, false, i8x16.splat(0), sums);
}

function panelsQ4Min(op: usize, x: usize, w: usize, step: usize, blocks: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  nibblesInTurns(op, x, w, step, blocks, row, panel, strands, apart, 0, true, false, false, i8x16.splat(0), sums);
}

function panelsQ4Short(op: usize, x: usize, w: usize, step: usize, blocks: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  nibblesInTurns(op, x, w, step, blocks, row, panel, strands, apart, 8, false, false, true, i8x16.splat(0), sums);
}

function panelsQ4MinShort(op: usize, x: usize, w: usize, step: usize, blocks: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  nibblesInTurns(op, x, w, step, blocks, row, panel, strands, apart, 0, true, false, true, i8x16.splat(0), sums);
}

function panelsQ5(op: usize, x: usize, w: usize, step: usize, blocks: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  fivesInTurns(op, x, w, step, blocks, row, panel, strands, apart, false, sums);
}

function panelsQ5Min(op: usize, x: usize, w: usize, step: usize, blocks: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  fivesInTurns(op, x, w, step, blocks, row, panel, strands, apart, true, sums);
}

function panelsIQ4(
  op: usize,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  strands: i32,
  apart: i32,
  zero: i32,
  sums: usize,
): void {
  nibblesInTurns(op, x, w, step, blocks, row, panel, strands, apart, zero, false, true, false, tableIQ4(zero), sums);
}
