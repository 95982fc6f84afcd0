/**
 * Two rows of 8-bit activations times panels that take turns, as int8-strands.ts does one, to the same bits: weights are
 * loaded and unpacked once for both, and the processor fetches what comes next while it multiplies.
 */
import {
  LAYOUT_IQ4,
  LAYOUT_Q4,
  LAYOUT_Q4_MIN,
  LAYOUT_Q4_MIN_SHORT,
  LAYOUT_Q4_SHORT,
  LAYOUT_Q5,
  LAYOUT_Q5_MIN,
  LAYOUT_Q6,
  XQ_BLOCK,
} from '../engine/executors/wasm/plan-layout';
import { FOUR_ROWS, ROW_SUMS } from './epilogue';
import { wideFives } from './int8-fives-wide';
import { clearSums } from './int8-row';
import { wideNibbles, wideQ6, wideQ8 } from './int8-strands-wide';
import { blockBytes } from './tile';
import { PLACED_HALF } from './math';
import { FIFTH_BITS, kept, NIBBLES, SIX_BITS } from './wide';

/** Whether there is a kernel for two rows: what sums in 16 bits or looks codes up has none. */
// @ts-ignore: decorator
@inline
export function takesTwoRows(layout: i32): bool {
  return layout != LAYOUT_Q4_SHORT && layout != LAYOUT_Q4_MIN_SHORT && layout != LAYOUT_IQ4;
}

/**
 * Sums of two rows and one panel of each strand.
 * @param stride bytes from the first row to the second @param step from one strand to the next
 * @param sums `f32[strands][4][8]`, of which two rows are used
 */
export function twoRowsInTurns(
  layout: i32,
  x: usize,
  stride: usize,
  w: usize,
  step: usize,
  blocks: i32,
  strands: i32,
  zero: i32,
  sums: usize,
): void {
  // Two take turns in every block.
  const most = strands == 2 ? blocks : 1;
  const bytes = <usize>most * blockBytes(layout);
  const end = sums + <usize>strands * FOUR_ROWS;
  clearSums(sums, <usize>strands);
  for (; blocks > 0; blocks -= most, w += bytes, x += <usize>most * XQ_BLOCK) {
    let at = w;
    for (let y = sums; y < end; y += 2 * FOUR_ROWS, at += 2 * step) {
      if (layout == LAYOUT_Q4) twoQ4(x, x + stride, at, step, most, y);
      else if (layout == LAYOUT_Q4_MIN) twoQ4Min(x, x + stride, at, step, most, y);
      else if (layout == LAYOUT_Q5) twoQ5(x, x + stride, at, step, most, y);
      else if (layout == LAYOUT_Q5_MIN) twoQ5Min(x, x + stride, at, step, most, y);
      else if (layout == LAYOUT_Q6) twoQ6(x, x + stride, at, step, most, y);
      else twoQ8(x, x + stride, at, step, most, zero, y);
    }
  }
}

// Functions of their own: V8 gives each its registers.
function twoQ4(x: usize, other: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  const shift = kept(-8);
  const mask = kept(NIBBLES);
  for (; blocks > 0; blocks--, x += XQ_BLOCK, other += XQ_BLOCK, w += 144) {
    wideNibbles(x, other, true, w, step, false, sums, sums + ROW_SUMS, FOUR_ROWS, shift, mask, mask);
  }
}

function twoQ4Min(x: usize, other: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  const mask = kept(NIBBLES);
  for (; blocks > 0; blocks--, x += XQ_BLOCK, other += XQ_BLOCK, w += 160) {
    wideNibbles(x, other, true, w, step, true, sums, sums + ROW_SUMS, FOUR_ROWS, mask, mask, mask);
  }
}

function twoQ5(x: usize, other: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  twoFives(x, other, w, step, blocks, 176, false, sums);
}

function twoQ5Min(x: usize, other: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  twoFives(x, other, w, step, blocks, 192, true, sums);
}

// @ts-ignore: decorator
@inline
function twoFives(x: usize, other: usize, w: usize, step: usize, blocks: i32, bytes: usize, min: bool, sums: usize): void {
  const shift = kept(-16);
  const mask = kept(NIBBLES);
  const bit = kept(FIFTH_BITS);
  const half = kept(PLACED_HALF);
  const next = sums + FOUR_ROWS;
  for (; blocks > 0; blocks--, x += XQ_BLOCK, other += XQ_BLOCK, w += bytes) {
    wideFives(x, other, true, w, min, sums, sums + ROW_SUMS, shift, mask, bit, half);
    wideFives(x, other, true, w + step, min, next, next + ROW_SUMS, shift, mask, bit, half);
  }
}

function twoQ8(x: usize, other: usize, w: usize, step: usize, blocks: i32, zero: i32, sums: usize): void {
  const shift = kept(-zero);
  const half = kept(PLACED_HALF);
  for (; blocks > 0; blocks--, x += XQ_BLOCK, other += XQ_BLOCK, w += 272) {
    wideQ8(x, other, true, w, step, sums, sums + ROW_SUMS, FOUR_ROWS, shift, half);
  }
}

function twoQ6(x: usize, other: usize, w: usize, step: usize, blocks: i32, sums: usize): void {
  const mask = kept(SIX_BITS);
  const half = kept(PLACED_HALF);
  for (; blocks > 0; blocks--, x += XQ_BLOCK, other += XQ_BLOCK, w += 224) {
    wideQ6(x, w, step, sums, FOUR_ROWS, mask, half);
    wideQ6(other, w, step, sums + ROW_SUMS, FOUR_ROWS, mask, half);
  }
}
