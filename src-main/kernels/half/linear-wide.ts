/**
 * Parts of linear.ts, to the same bits, in the shape that base/wide.ts describes: eight outputs lie side by side.
 */
import { firstOfPair, pairMask, secondOfPair } from '../base/half';
import { madd } from '../base/math';
import { opaque, storePair } from '../base/wide';

/** Bytes of an input of two panels as float32. */
const PAIR: usize = 64;

// Functions of their own: V8 gives each its registers.
export function unpackF16Wide(w: usize, width: i32, to: usize): void {
  unpackPanel(false, w, width, to);
}

export function unpackBF16Wide(w: usize, width: i32, to: usize): void {
  unpackPanel(true, w, width, to);
}

export function addF16Wide(x: usize, w: usize, inputs: i32, sums: usize): void {
  addInputs(false, x, w, inputs, sums);
}

export function addBF16Wide(x: usize, w: usize, inputs: i32, sums: usize): void {
  addInputs(true, x, w, inputs, sums);
}

export function addF16TwiceWide(x: usize, next: usize, w: usize, inputs: i32, sums: usize, nextSums: usize): void {
  addInputsTwice(false, x, next, w, inputs, sums, nextSums);
}

export function addBF16TwiceWide(x: usize, next: usize, w: usize, inputs: i32, sums: usize, nextSums: usize): void {
  addInputsTwice(true, x, next, w, inputs, sums, nextSums);
}

/** A panel to the left or right half of float32 `[inputs 4i, 16]`, then inputs 4i + 1 and so on; `to` says which half. */
// @inline
function unpackPanel(brain: bool, w: usize, width: i32, to: usize): void {
  const up = opaque(0x2000);
  const mask = pairMask(brain);
  let t0 = to;
  let t1 = t0 + <usize>((width + 3) >> 2) * PAIR;
  let t2 = t1 + <usize>((width + 2) >> 2) * PAIR;
  let t3 = t2 + <usize>((width + 1) >> 2) * PAIR;
  for (const end = w + <usize>(width >> 2) * 64; w < end; w += 64) {
    const low = v128.load(w);
    const high = v128.load(w, 16);
    const nextLow = v128.load(w, 32);
    const nextHigh = v128.load(w, 48);
    storePair(t0, firstOfPair(brain, low, up, mask), firstOfPair(brain, high, up, mask));
    storePair(t1, secondOfPair(brain, low, mask), secondOfPair(brain, high, mask));
    storePair(t2, firstOfPair(brain, nextLow, up, mask), firstOfPair(brain, nextHigh, up, mask));
    storePair(t3, secondOfPair(brain, nextLow, mask), secondOfPair(brain, nextHigh, mask));
    t0 += PAIR;
    t1 += PAIR;
    t2 += PAIR;
    t3 += PAIR;
  }
  const rest = width & 3;
  if (rest > 0)
    storePair(t0, firstOfPair(brain, v128.load(w), up, mask), firstOfPair(brain, v128.load(w, 16), up, mask));
  if (rest > 1) storePair(t1, secondOfPair(brain, v128.load(w), mask), secondOfPair(brain, v128.load(w, 16), mask));
  if (rest > 2)
    storePair(t2, firstOfPair(brain, v128.load(w, 32), up, mask), firstOfPair(brain, v128.load(w, 48), up, mask));
}

/** Every fourth input of four rows and two panels. @param sums `[2][4][8]` @param add to what is in `sums` */
export function fourRowsWide(x: usize, stride: usize, tile: usize, inputs: i32, sums: usize, add: bool): void {
  let xb = x + stride;
  let xc = xb + stride;
  let xd = xc + stride;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let c0 = a0;
  let c1 = a0;
  let c2 = a0;
  let c3 = a0;
  let d0 = a0;
  let d1 = a0;
  let d2 = a0;
  let d3 = a0;
  for (const end = tile + <usize>inputs * PAIR; tile < end; tile += PAIR) {
    const w0 = v128.load(tile);
    const w1 = v128.load(tile, 16);
    const w2 = v128.load(tile, 32);
    const w3 = v128.load(tile, 48);
    let v = v128.load32_splat(x);
    a0 = madd(v, w0, a0);
    a1 = madd(v, w1, a1);
    a2 = madd(v, w2, a2);
    a3 = madd(v, w3, a3);
    v = v128.load32_splat(xb);
    b0 = madd(v, w0, b0);
    b1 = madd(v, w1, b1);
    b2 = madd(v, w2, b2);
    b3 = madd(v, w3, b3);
    v = v128.load32_splat(xc);
    c0 = madd(v, w0, c0);
    c1 = madd(v, w1, c1);
    c2 = madd(v, w2, c2);
    c3 = madd(v, w3, c3);
    v = v128.load32_splat(xd);
    d0 = madd(v, w0, d0);
    d1 = madd(v, w1, d1);
    d2 = madd(v, w2, d2);
    d3 = madd(v, w3, d3);
    x += 16;
    xb += 16;
    xc += 16;
    xd += 16;
  }
  keep(sums, a0, a1, a2, a3, add);
  keep(sums + 32, b0, b1, b2, b3, add);
  keep(sums + 64, c0, c1, c2, c3, add);
  keep(sums + 96, d0, d1, d2, d3, add);
}

// @inline
function keep(sums: usize, a: v128, b: v128, c: v128, d: v128, add: bool): void {
  if (add) {
    a = f32x4.add(v128.load(sums), a);
    b = f32x4.add(v128.load(sums, 16), b);
    c = f32x4.add(v128.load(sums, 128), c);
    d = f32x4.add(v128.load(sums, 144), d);
  }
  storePair(sums, a, b);
  v128.store(sums, d, 144);
  v128.store(sums, c, 128);
}

/** @param inputs a multiple of four */
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
    let va = v128.load32_splat(x);
    let vb = v128.load32_splat(x, 4);
    let low = v128.load(w);
    let high = v128.load(w, 16);
    a0 = madd(va, firstOfPair(brain, low, up, mask), a0);
    a1 = madd(va, firstOfPair(brain, high, up, mask), a1);
    b0 = madd(vb, secondOfPair(brain, low, mask), b0);
    b1 = madd(vb, secondOfPair(brain, high, mask), b1);
    va = v128.load32_splat(x, 8);
    vb = v128.load32_splat(x, 12);
    low = v128.load(w, 32);
    high = v128.load(w, 48);
    c0 = madd(va, firstOfPair(brain, low, up, mask), c0);
    c1 = madd(va, firstOfPair(brain, high, up, mask), c1);
    d0 = madd(vb, secondOfPair(brain, low, mask), d0);
    d1 = madd(vb, secondOfPair(brain, high, mask), d1);
  }
  storeSumsWide(sums, a0, a1, b0, b1, c0, c1, d0, d1);
}

/** The same for two rows, whose weights are converted once. */
// @inline
function addInputsTwice(brain: bool, x: usize, next: usize, w: usize, inputs: i32, sums: usize, nextSums: usize): void {
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
  let e0 = v128.load(nextSums);
  let e1 = v128.load(nextSums, 16);
  let f0 = v128.load(nextSums, 32);
  let f1 = v128.load(nextSums, 48);
  let g0 = v128.load(nextSums, 64);
  let g1 = v128.load(nextSums, 80);
  let h0 = v128.load(nextSums, 96);
  let h1 = v128.load(nextSums, 112);
  for (const end = w + <usize>inputs * 16; w < end; w += 64, x += 16, next += 16) {
    let low = v128.load(w);
    let high = v128.load(w, 16);
    let wa = firstOfPair(brain, low, up, mask);
    let wb = firstOfPair(brain, high, up, mask);
    let v = v128.load32_splat(x);
    a0 = madd(v, wa, a0);
    a1 = madd(v, wb, a1);
    v = v128.load32_splat(next);
    e0 = madd(v, wa, e0);
    e1 = madd(v, wb, e1);
    wa = secondOfPair(brain, low, mask);
    wb = secondOfPair(brain, high, mask);
    v = v128.load32_splat(x, 4);
    b0 = madd(v, wa, b0);
    b1 = madd(v, wb, b1);
    v = v128.load32_splat(next, 4);
    f0 = madd(v, wa, f0);
    f1 = madd(v, wb, f1);
    low = v128.load(w, 32);
    high = v128.load(w, 48);
    wa = firstOfPair(brain, low, up, mask);
    wb = firstOfPair(brain, high, up, mask);
    v = v128.load32_splat(x, 8);
    c0 = madd(v, wa, c0);
    c1 = madd(v, wb, c1);
    v = v128.load32_splat(next, 8);
    g0 = madd(v, wa, g0);
    g1 = madd(v, wb, g1);
    wa = secondOfPair(brain, low, mask);
    wb = secondOfPair(brain, high, mask);
    v = v128.load32_splat(x, 12);
    d0 = madd(v, wa, d0);
    d1 = madd(v, wb, d1);
    v = v128.load32_splat(next, 12);
    h0 = madd(v, wa, h0);
    h1 = madd(v, wb, h1);
  }
  storeSumsWide(sums, a0, a1, b0, b1, c0, c1, d0, d1);
  storeSumsWide(nextSums, e0, e1, f0, f1, g0, g1, h0, h1);
}

// @inline
function storeSumsWide(
  sums: usize,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
): void {
  storePair(sums, a0, a1);
  v128.store(sums, b1, 48);
  v128.store(sums, b0, 32);
  v128.store(sums, c1, 80);
  v128.store(sums, c0, 64);
  v128.store(sums, d1, 112);
  v128.store(sums, d0, 96);
}
