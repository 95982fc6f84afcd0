/**
 * y = x W^T with weights of 16 bits, float16 or bfloat16, and float32 sums. W lies in panels of 8 rows, two inputs side by
 * side:
 *
 *     u16 w[(inputs + 1) / 2][8][2]     [i][row]: inputs 2i and 2i + 1
 *
 * Bits of a float16 moved into a float32's place make 2^-112 of its value, so activations come multiplied by 2^56 and
 * sums leave so: exact, and one multiplication less per weight. A bfloat16 is the upper half of a float32 as it is. Each
 * output is four sums, of every fourth input in order, added in order, whatever the number of rows: fewer chains of
 * additions would wait for each other.
 */
import { store8 } from './epilogue';
import { storeRows } from './epilogue-rows';
import { firstOfPair, pairMask, secondOfPair } from './half';
import { apartOf, MANY_ROWS, strandsOf } from './strands';
import { F16_INPUT_SCALE, OP_WEIGHT, OP_WIDTH, OP_X, OP_X_STRIDE } from '../engine/executors/wasm/plan-layout';
import { clearSums, lane } from './int8-row';
import { addBF16TwiceWide, addBF16Wide, addF16TwiceWide, addF16Wide, fourRowsWide, unpackBF16Wide, unpackF16Wide } from './linear-half-wide';
import { madd } from './math';
import { kept } from './wide';

/** Rows from which on converting a panel once saves time. */
const FEW_ROWS: i32 = WIDE ? MANY_ROWS : 8;
/** Bytes of the eight sums of one panel and one row. */
const SUMS: usize = 128;
/** Inputs that one panel is read for before the next one's turn comes. */
const TURN: i32 = 64;

/**
 * @param brain weights are bfloat16 @param places see strands.ts
 * @param scratch room for the sums of four rows of eight panels, or of two panels and these panels in float32
 */
export function linearHalf(brain: bool, op: usize, rows: i32, from: i32, to: i32, places: i32, scratch: usize): void {
  const stride = <usize>load<i32>(op, OP_X_STRIDE);
  const width = load<i32>(op, OP_WIDTH);
  const panelBytes = panelBytesHalf(width);
  const tile = scratch + 128;
  let w = <usize>load<i32>(op, OP_WEIGHT) + <usize>from * panelBytes;
  if (rows < FEW_ROWS) {
    const strands = strandsOf(to - from, places);
    const apart = apartOf(to - from, strands);
    const step = <usize>apart * panelBytes;
    for (const end = from + apart; from < end; from++, w += panelBytes) {
      let x = <usize>load<i32>(op, OP_X);
      for (let row = 0; row < rows; row += 4, x += 4 * stride) {
        if (brain) rowsBF16(op, x, stride, min(rows - row, 4), w, step, width, row, from, strands, apart, scratch);
        else rowsF16(op, x, stride, min(rows - row, 4), w, step, width, row, from, strands, apart, scratch);
      }
    }
    from += (strands - 1) * apart;
    w += <usize>(strands - 1) * step;
  }
  if (WIDE && rows >= 4) {
    for (; from + 2 <= to; from += 2, w += 2 * panelBytes) twoPanels(brain, op, rows, w, stride, width, from, scratch);
  }
  for (let panel = from; panel < to; panel++, w += panelBytes) {
    let x = <usize>load<i32>(op, OP_X);
    let row = 0;
    if (rows >= 4) {
      if (brain) unpackBF16(w, width, tile);
      else unpackF16(w, width, tile);
    }
    for (; row + 4 <= rows; row += 4, x += 4 * stride) {
      let part = tile;
      for (let i = 0; i < 4; i++) {
        const inputs = (width + 3 - i) >> 2;
        fourRows(x + <usize>i * 4, stride, part, inputs, scratch, i > 0);
        part += <usize>inputs * 32;
      }
      storeRows(op, row, 4, panel, 1, 1, 0, scratch, unscaleOf(brain));
    }
    for (; row < rows; row++, x += stride) oneRow(brain, op, x, w, width, row, panel, scratch);
  }
}

/** All rows of `panel` and the one after it. */
function twoPanels(brain: bool, op: usize, rows: i32, w: usize, stride: usize, width: i32, panel: i32, scratch: usize): void {
  const next = w + panelBytesHalf(width);
  const tile = scratch + 256;
  let x = <usize>load<i32>(op, OP_X);
  if (brain) {
    unpackBF16Wide(w, width, tile);
    unpackBF16Wide(next, width, tile + 32);
  } else {
    unpackF16Wide(w, width, tile);
    unpackF16Wide(next, width, tile + 32);
  }
  let row = 0;
  for (; row + 4 <= rows; row += 4, x += 4 * stride) {
    let part = tile;
    for (let i = 0; i < 4; i++) {
      const inputs = (width + 3 - i) >> 2;
      fourRowsWide(x + <usize>i * 4, stride, part, inputs, scratch, i > 0);
      part += <usize>inputs * 64;
    }
    storeRows(op, row, 4, panel, 2, 1, 0, scratch, unscaleOf(brain));
  }
  for (; row < rows; row++, x += stride) {
    oneRow(brain, op, x, w, width, row, panel, scratch);
    oneRow(brain, op, x, next, width, row, panel + 1, scratch);
  }
}

/** Bytes of 8 rows. */
// @ts-ignore: decorator
@inline
export function panelBytesHalf(width: i32): usize {
  return <usize>((width + 1) >> 1) * 32;
}

// @ts-ignore: decorator
@inline
function unscaleOf(brain: bool): f32 {
  return brain ? 1 : <f32>F16_INPUT_SCALE;
}

// @ts-ignore: decorator
@inline
function store(brain: bool, op: usize, row: i32, panel: i32, low: v128, high: v128): void {
  const unscale = f32x4.splat(unscaleOf(brain));
  store8(op, row, panel, f32x4.mul(low, unscale), f32x4.mul(high, unscale));
}

// Functions of their own: V8 gives each its registers.
function unpackF16(w: usize, width: i32, tile: usize): void {
  unpackPanel(false, w, width, tile);
}

function unpackBF16(w: usize, width: i32, tile: usize): void {
  unpackPanel(true, w, width, tile);
}

function addF16(x: usize, w: usize, inputs: i32, sums: usize): void {
  addInputs(false, x, w, inputs, sums);
}

function addBF16(x: usize, w: usize, inputs: i32, sums: usize): void {
  addInputs(true, x, w, inputs, sums);
}

/** float32 `[inputs 4i, 8]`, then inputs 4i + 1 and so on. */
// @ts-ignore: decorator
@inline
function unpackPanel(brain: bool, w: usize, width: i32, tile: usize): void {
  const up = kept(0x2000);
  const mask = pairMask(brain);
  const t1 = tile + <usize>((width + 3) >> 2) * 32;
  const t2 = t1 + <usize>((width + 2) >> 2) * 32;
  const t3 = t2 + <usize>((width + 1) >> 2) * 32;
  let at: usize = 0;
  for (const end = <usize>(width >> 2) * 32; at < end; at += 32, w += 64) {
    unpackFirst(brain, up, mask, w, tile + at);
    unpackSecond(brain, mask, w, t1 + at);
    unpackFirst(brain, up, mask, w + 32, t2 + at);
    unpackSecond(brain, mask, w + 32, t3 + at);
  }
  const rest = width & 3;
  if (rest > 0) unpackFirst(brain, up, mask, w, tile + at);
  if (rest > 1) unpackSecond(brain, mask, w, t1 + at);
  if (rest > 2) unpackFirst(brain, up, mask, w + 32, t2 + at);
}

// @ts-ignore: decorator
@inline
function unpackFirst(brain: bool, up: v128, mask: v128, w: usize, to: usize): void {
  v128.store(to, firstOfPair(brain, v128.load(w), up, mask));
  v128.store(to, firstOfPair(brain, v128.load(w, 16), up, mask), 16);
}

// @ts-ignore: decorator
@inline
function unpackSecond(brain: bool, mask: v128, w: usize, to: usize): void {
  v128.store(to, secondOfPair(brain, v128.load(w), mask));
  v128.store(to, secondOfPair(brain, v128.load(w, 16), mask), 16);
}

/** Every fourth input of four rows. @param add to what is in `sums` */
function fourRows(x: usize, stride: usize, tile: usize, inputs: i32, sums: usize, add: bool): void {
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (const end = tile + <usize>inputs * 32; tile < end; tile += 32) {
    const w0 = v128.load(tile);
    const w1 = v128.load(tile, 16);
    const va = v128.load32_splat(x);
    const vb = v128.load32_splat(xb);
    const vc = v128.load32_splat(xc);
    const vd = v128.load32_splat(xd);
    a0 = madd(va, w0, a0);
    a1 = madd(va, w1, a1);
    b0 = madd(vb, w0, b0);
    b1 = madd(vb, w1, b1);
    c0 = madd(vc, w0, c0);
    c1 = madd(vc, w1, c1);
    d0 = madd(vd, w0, d0);
    d1 = madd(vd, w1, d1);
    x += 16;
    xb += 16;
    xc += 16;
    xd += 16;
  }
  keep(sums, a0, a1, add);
  keep(sums + 32, b0, b1, add);
  keep(sums + 64, c0, c1, add);
  keep(sums + 96, d0, d1, add);
}

// @ts-ignore: decorator
@inline
function keep(sums: usize, low: v128, high: v128, add: bool): void {
  v128.store(sums, add ? f32x4.add(v128.load(sums), low) : low);
  v128.store(sums, add ? f32x4.add(v128.load(sums, 16), high) : high, 16);
}

function oneRow(brain: bool, op: usize, x: usize, w: usize, width: i32, row: i32, panel: i32, sums: usize): void {
  clearSums(sums, 1);
  addRow(brain, x, w, width & ~3, sums);
  storeSums(brain, op, x, w, width, row, panel, sums);
}

function rowsF16(op: usize, x: usize, stride: usize, rows: i32, w: usize, step: usize, width: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  rowsInTurns(false, op, x, stride, rows, w, step, width, row, panel, strands, apart, sums);
}

function rowsBF16(op: usize, x: usize, stride: usize, rows: i32, w: usize, step: usize, width: i32, row: i32, panel: i32, strands: i32, apart: i32, sums: usize): void {
  rowsInTurns(true, op, x, stride, rows, w, step, width, row, panel, strands, apart, sums);
}

/** At most four rows times four or eight panels. */
// @ts-ignore: decorator
@inline
function rowsInTurns(
  brain: bool,
  op: usize,
  x: usize,
  stride: usize,
  rows: i32,
  w: usize,
  step: usize,
  width: i32,
  row: i32,
  panel: i32,
  strands: i32,
  apart: i32,
  sums: usize,
): void {
  const size = <usize>strands * SUMS;
  const end = sums + <usize>rows * size;
  clearSums(sums, <usize>(rows * strands));
  const whole = width & ~3;
  for (let input = 0; input < whole; input += TURN) {
    const inputs = min(whole - input, TURN);
    let at = w + <usize>input * 16;
    for (let strand: usize = 0; strand < size; strand += SUMS, at += step) {
      let xs = x + <usize>input * 4;
      let y = sums + strand;
      if (WIDE) {
        for (; y + size < end; y += 2 * size, xs += 2 * stride) {
          if (brain) addBF16TwiceWide(xs, xs + stride, at, inputs, y, y + size);
          else addF16TwiceWide(xs, xs + stride, at, inputs, y, y + size);
        }
      }
      for (; y < end; y += size, xs += stride) addRow(brain, xs, at, inputs, y);
    }
  }
  for (; sums < end; sums += size, row++, x += stride) {
    let at = w;
    let to = panel;
    for (let strand: usize = 0; strand < size; strand += SUMS, at += step, to += apart) {
      storeSums(brain, op, x, at, width, row, to, sums + strand);
    }
  }
}

/** @param inputs a multiple of four */
// @ts-ignore: decorator
@inline
function addRow(brain: bool, x: usize, w: usize, inputs: i32, sums: usize): void {
  if (WIDE && brain) addBF16Wide(x, w, inputs, sums);
  else if (WIDE) addF16Wide(x, w, inputs, sums);
  else if (brain) addBF16(x, w, inputs, sums);
  else addF16(x, w, inputs, sums);
}

// @ts-ignore: decorator
@inline
function addInputs(brain: bool, x: usize, w: usize, inputs: i32, sums: usize): void {
  const up = kept(0x2000);
  const mask = pairMask(brain);
  let a0 = v128.load(sums);
  let a1 = v128.load(sums, 16);
  let b0 = v128.load(sums, 32);
  let b1 = v128.load(sums, 48);
  let c0 = v128.load(sums, 64);
  let c1 = v128.load(sums, 80);
  let d0 = v128.load(sums, 96);
  let d1 = v128.load(sums, 112);
  for (const end = w + <usize>inputs * 16; w < end; w += 64, x += 16) {
    const v = v128.load(x);
    let va = lane(v, 0);
    let vb = lane(v, 1);
    let low = v128.load(w);
    let high = v128.load(w, 16);
    a0 = madd(va, firstOfPair(brain, low, up, mask), a0);
    a1 = madd(va, firstOfPair(brain, high, up, mask), a1);
    b0 = madd(vb, secondOfPair(brain, low, mask), b0);
    b1 = madd(vb, secondOfPair(brain, high, mask), b1);
    // Never true: it only keeps V8 from loading all before it computes, for which there are too few registers.
    if (!x) break;
    va = lane(v, 2);
    vb = lane(v, 3);
    low = v128.load(w, 32);
    high = v128.load(w, 48);
    c0 = madd(va, firstOfPair(brain, low, up, mask), c0);
    c1 = madd(va, firstOfPair(brain, high, up, mask), c1);
    d0 = madd(vb, secondOfPair(brain, low, mask), d0);
    d1 = madd(vb, secondOfPair(brain, high, mask), d1);
  }
  v128.store(sums, a0);
  v128.store(sums, a1, 16);
  v128.store(sums, b0, 32);
  v128.store(sums, b1, 48);
  v128.store(sums, c0, 64);
  v128.store(sums, c1, 80);
  v128.store(sums, d0, 96);
  v128.store(sums, d1, 112);
}

/** Adds the inputs after the last whole four, and the four sums of each output. */
function storeSums(brain: bool, op: usize, x: usize, w: usize, width: i32, row: i32, panel: i32, sums: usize): void {
  const up = kept(0x2000);
  const mask = pairMask(brain);
  x += <usize>(width >> 2) * 16;
  w += <usize>(width >> 2) * 64;
  let a0 = v128.load(sums);
  let a1 = v128.load(sums, 16);
  let b0 = v128.load(sums, 32);
  let b1 = v128.load(sums, 48);
  let c0 = v128.load(sums, 64);
  let c1 = v128.load(sums, 80);
  const d0 = v128.load(sums, 96);
  const d1 = v128.load(sums, 112);
  const rest = width & 3;
  if (rest > 0) {
    const va = v128.load32_splat(x);
    a0 = madd(va, firstOfPair(brain, v128.load(w), up, mask), a0);
    a1 = madd(va, firstOfPair(brain, v128.load(w, 16), up, mask), a1);
  }
  if (rest > 1) {
    const vb = v128.load32_splat(x, 4);
    b0 = madd(vb, secondOfPair(brain, v128.load(w), mask), b0);
    b1 = madd(vb, secondOfPair(brain, v128.load(w, 16), mask), b1);
  }
  if (rest > 2) {
    const vc = v128.load32_splat(x, 8);
    c0 = madd(vc, firstOfPair(brain, v128.load(w, 32), up, mask), c0);
    c1 = madd(vc, firstOfPair(brain, v128.load(w, 48), up, mask), c1);
  }
  const low = f32x4.add(f32x4.add(f32x4.add(a0, b0), c0), d0);
  const high = f32x4.add(f32x4.add(f32x4.add(a1, b1), c1), d1);
  store(brain, op, row, panel, low, high);
}
