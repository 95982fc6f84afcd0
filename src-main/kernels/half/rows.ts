/** Few rows of linear.ts: weights are converted where they are used. */
import { store8, unscaleOf } from '../base/epilogue';
import { firstOfPair, pairMask, secondOfPair } from '../base/half';
import { madd } from '../base/math';
import { opaque } from '../base/wide';
import { clearSums, lane } from '../int8/sums';
import { addBF16TwiceWide, addBF16Wide, addF16TwiceWide, addF16Wide } from './linear-wide';

/** Bytes of the eight sums of one panel and one row. */
const SUMS: usize = 128;
/** Inputs that one panel is read for before the next stream. */
const STRETCH: i32 = 64;

// @inline
export function factorOf(brain: bool, op: usize): f32 {
  return brain ? 1 : unscaleOf(op);
}

// @inline
function store(brain: bool, op: usize, row: i32, panel: i32, low: v128, high: v128): void {
  const unscale = f32x4.splat(factorOf(brain, op));
  store8(op, row, panel, f32x4.mul(low, unscale), f32x4.mul(high, unscale));
}

// Functions of their own: V8 gives each its registers.
function addF16(x: usize, w: usize, inputs: i32, sums: usize): void {
  addInputs(false, x, w, inputs, sums);
}

function addBF16(x: usize, w: usize, inputs: i32, sums: usize): void {
  addInputs(true, x, w, inputs, sums);
}

export function oneRow(
  brain: bool,
  op: usize,
  x: usize,
  w: usize,
  width: i32,
  row: i32,
  panel: i32,
  sums: usize,
): void {
  clearSums(sums, 1);
  addRow(brain, x, w, width & ~3, sums);
  storeSums(brain, op, x, w, width, row, panel, sums);
}

export function rowsF16(
  op: usize,
  x: usize,
  stride: usize,
  rows: i32,
  w: usize,
  step: usize,
  width: i32,
  row: i32,
  panel: i32,
  streams: i32,
  apart: i32,
  sums: usize,
): void {
  rowsOfStreams(false, op, x, stride, rows, w, step, width, row, panel, streams, apart, sums);
}

export function rowsBF16(
  op: usize,
  x: usize,
  stride: usize,
  rows: i32,
  w: usize,
  step: usize,
  width: i32,
  row: i32,
  panel: i32,
  streams: i32,
  apart: i32,
  sums: usize,
): void {
  rowsOfStreams(true, op, x, stride, rows, w, step, width, row, panel, streams, apart, sums);
}

/** At most four rows times four or eight panels. */
// @inline
function rowsOfStreams(
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
  streams: i32,
  apart: i32,
  sums: usize,
): void {
  const size = <usize>streams * SUMS;
  const end = sums + <usize>rows * size;
  clearSums(sums, <usize>(rows * streams));
  const whole = width & ~3;
  for (let input = 0; input < whole; input += STRETCH) {
    const inputs = min(whole - input, STRETCH);
    let at = w + <usize>input * 16;
    for (let stream: usize = 0; stream < size; stream += SUMS, at += step) {
      let xs = x + <usize>input * 4;
      let y = sums + stream;
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
    for (let stream: usize = 0; stream < size; stream += SUMS, at += step, to += apart) {
      storeSums(brain, op, x, at, width, row, to, sums + stream);
    }
  }
}

/** @param inputs a multiple of four */
// @inline
function addRow(brain: bool, x: usize, w: usize, inputs: i32, sums: usize): void {
  if (WIDE && brain) addBF16Wide(x, w, inputs, sums);
  else if (WIDE) addF16Wide(x, w, inputs, sums);
  else if (brain) addBF16(x, w, inputs, sums);
  else addF16(x, w, inputs, sums);
}

// @inline
function addInputs(brain: bool, x: usize, w: usize, inputs: i32, sums: usize): void {
  const up = opaque(0x2000);
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
  const up = opaque(0x2000);
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
