/**
 * y = x W^T with 8-bit weights and activations. W lies in panels of 8 rows, cut into blocks of 32 inputs:
 *
 *     f16 d[8]            scale of each row
 *     i8  codes[8][8][4]  [j][row][i]: input 4j + i, -127..127
 *
 * The dot product wants codes of 0..127 on one side: the weight's sign moves to the activation.
 */
import { OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE, XQ_BLOCK, XQ_SCALE } from '../../engine/executors/wasm/plan-layout';
import { dot4, signed } from '../base/dot';
import { PLACED_HALF } from '../base/math';
import { apartOf, streamsOf } from '../base/streams';
import { opaque } from '../base/wide';
import { fourSignedRows, fourSignedRowsWide, signedStreamsWide } from './generated';
import { inFours } from './quantize';
import { addScaled, clearSums, storeFourRows, storePanels, storeScaled } from './sums';

const BLOCK: usize = 272;

/** @param mostStreams see base/streams.ts @param scratch memory for the sums of eight panels, or of four rows */
export function linearQ8Signed(op: usize, rows: i32, from: i32, to: i32, mostStreams: i32, scratch: usize): void {
  const x = <usize>load<i32>(op, OP_X);
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const blocks = load<i32>(op, OP_WIDTH) >> 5;
  const w = <usize>load<i32>(op, OP_WEIGHT);
  const panelBytes = <usize>blocks * BLOCK;
  const tiled = inFours(rows);
  if (!tiled) {
    const streams = streamsOf(to - from, mostStreams);
    const apart = apartOf(to - from, streams);
    const step = <usize>apart * panelBytes;
    for (const end = from + apart; from < end; from++) {
      const at = w + <usize>from * panelBytes;
      for (let row = 0; row < rows; row++)
        rowOfStreams(op, x + <usize>row * stride, at, step, blocks, row, from, streams, apart, scratch);
    }
    from += (streams - 1) * apart;
  }
  for (let panel = from; panel < to; panel++) {
    const at = w + <usize>panel * panelBytes;
    for (let row = 0; row < tiled; row += 4) {
      if (WIDE) {
        clearSums(scratch, 1);
        fourSignedRowsWide(x + <usize>row * stride, at, 0, blocks, 0, scratch);
        storeFourRows(op, row, min(rows - row, 4), panel, 1, 1, 0, scratch);
      } else fourSignedRows(op, x + <usize>row * stride, at, blocks, row, rows - row, panel);
    }
    for (let row = tiled; row < rows; row++) oneRow(op, x + <usize>row * stride, at, blocks, row, panel);
  }
}

function oneRow(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  const half = opaque(PLACED_HALF);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    const scale = v128.load32_splat(x, XQ_SCALE);
    y0 = addBlock(x, w + 16, w, scale, y0, half);
    y1 = addBlock(x, w + 32, w + 8, scale, y1, half);
    w += BLOCK;
    x += XQ_BLOCK;
  }
  storeScaled(op, row, panel, y0, y1);
}

function rowOfStreams(
  op: usize,
  x: usize,
  w: usize,
  step: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  streams: i32,
  apart: i32,
  sums: usize,
): void {
  const end = sums + <usize>streams * 32;
  clearSums(sums, 2);
  if (WIDE) signedStreamsWide(x, w, step, blocks, sums, end);
  else addStreams(x, w, step, blocks, sums, end);
  storePanels(op, row, panel, streams, apart, sums);
}

// @inline
function addStreams(x: usize, w: usize, step: usize, blocks: i32, sums: usize, end: usize): void {
  const half = opaque(PLACED_HALF);
  for (; blocks > 0; blocks--) {
    const scale = v128.load32_splat(x, XQ_SCALE);
    let at = w;
    for (let y = sums; y < end; y += 32, at += step) {
      v128.store(y, addBlock(x, at + 16, at, scale, v128.load(y), half));
      v128.store(y, addBlock(x, at + 32, at + 8, scale, v128.load(y, 16), half), 16);
    }
    w += BLOCK;
    x += XQ_BLOCK;
  }
}

/** y + a block of four rows of weights times the activations. */
// @inline
function addBlock(x: usize, codes: usize, halves: usize, scale: v128, y: v128, half: v128): v128 {
  let sum = i32x4.splat(0);
  for (let j: usize = 0; j < 8; j++) {
    const w = v128.load(codes + j * 32);
    sum = dot4(signed(v128.load32_splat(x + j * 4), i8x16.lt_s(w, i8x16.splat(0))), i8x16.abs(w), sum);
  }
  return addScaled(y, sum, halves, scale, half);
}
