/**
 * The two products of attention over the keys of one chunk: scores = q K^T and out = p V, for a few queries at a time so
 * that each key and value is loaded once for all of them. Whatever is computed beside it, a score is four chains of
 * multiply-adds over the head's values, added in one order, and an output one chain over the keys in their order.
 *
 * Keys and values lie in cells of float32, in cells of binary16, or one after the other in a tile of float32. Those that
 * were binary16 are 2^-112 of what they stand for (see `placedHalf4`).
 */
import { ATTENTION_SCORE_STRIDE } from '../engine/executors/wasm/plan-layout';
import { madd, placedHalf4 } from './math';

// How keys and values lie.
export const TILE: i32 = 0;
export const CELLS_F32: i32 = 1;
export const CELLS_F16: i32 = 2;

/** Bytes from one query's scores to the next: those of a chunk, and room for a vector that is written past the end. */
const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;

/** `count` keys or values of binary16, `bytes` each, from their cells into a tile of float32. */
export function placeHalves(storage: usize, cells: usize, count: i32, bytes: usize, tile: usize): void {
  for (let i = 0; i < count; i++) {
    const from = storage + <usize>load<i32>(cells + <usize>i * 4) * bytes;
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(tile, placedHalf4(v128.load16x4_s(from + at)));
      v128.store(tile, placedHalf4(v128.load16x4_s(from + at, 8)), 16);
      tile += 32;
    }
  }
}

// @ts-ignore: decorator
@inline
function entryAt(kind: i32, storage: usize, cells: usize, i: i32, width: usize): usize {
  if (kind == TILE) return storage + <usize>i * width;
  const cell = <usize>load<i32>(cells + <usize>i * 4);
  return storage + cell * (kind == CELLS_F16 ? width >> 1 : width);
}

/** Four values, `at` bytes from the beginning of a float32 head. */
// @ts-ignore: decorator
@inline
function values4(kind: i32, entry: usize, at: usize): v128 {
  if (kind == CELLS_F16) return placedHalf4(v128.load16x4_s(entry + (at >> 1)));
  return v128.load(entry + at);
}

/** The sums of four vectors' lanes, by turning the square around. */
// @ts-ignore: decorator
@inline
function sums4(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
  const c = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
  const d = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
  const ab = f32x4.add(a, b);
  const cd = f32x4.add(c, d);
  return f32x4.add(v128.shuffle<f64>(ab, cd, 0, 2), v128.shuffle<f64>(ab, cd, 1, 3));
}

/**
 * Scores of `queries` queries and keys `from` up to `to`, and perhaps one or three more that mean nothing.
 * @param width bytes of a head in float32
 */
export function score(kind: i32, queries: i32, q: usize, keys: usize, cells: usize, from: i32, to: i32, width: usize, scores: usize): void {
  while (queries > 0) {
    const taken = min(queries, 4);
    if (kind == TILE) scoreSome(TILE, taken, q, keys, cells, from, to, width, scores);
    else if (kind == CELLS_F16) scoreSome(CELLS_F16, taken, q, keys, cells, from, to, width, scores);
    else scoreSome(CELLS_F32, taken, q, keys, cells, from, to, width, scores);
    q += <usize>taken * width;
    scores += <usize>taken * SCORE_STRIDE;
    queries -= taken;
  }
}

// @ts-ignore: decorator
@inline
function scoreSome(kind: i32, queries: i32, q: usize, keys: usize, cells: usize, from: i32, to: i32, width: usize, scores: usize): void {
  if (queries == 4) scorePairs(kind, 4, q, keys, cells, from, to, width, scores);
  else if (queries == 3) scorePairs(kind, 3, q, keys, cells, from, to, width, scores);
  else if (queries == 2) scoreQuads(kind, 2, q, keys, cells, from, to, width, scores);
  else scoreQuads(kind, 1, q, keys, cells, from, to, width, scores);
}

/** Three or four queries, two keys at a time. */
// @ts-ignore: decorator
@inline
function scorePairs(kind: i32, queries: i32, q: usize, keys: usize, cells: usize, from: i32, to: i32, width: usize, scores: usize): void {
  const q1 = q + width;
  const q2 = q1 + width;
  const q3 = q2 + width;
  for (let i = from; i < to; i += 2) {
    const k = entryAt(kind, keys, cells, i, width);
    const l = entryAt(kind, keys, cells, min(i + 1, to - 1), width);
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let at: usize = 0; at < width; at += 16) {
      const x = values4(kind, k, at);
      const y = values4(kind, l, at);
      let v = v128.load(q + at);
      a0 = madd(v, x, a0);
      b0 = madd(v, y, b0);
      v = v128.load(q1 + at);
      a1 = madd(v, x, a1);
      b1 = madd(v, y, b1);
      v = v128.load(q2 + at);
      a2 = madd(v, x, a2);
      b2 = madd(v, y, b2);
      if (queries == 4) {
        v = v128.load(q3 + at);
        a3 = madd(v, x, a3);
        b3 = madd(v, y, b3);
      }
    }
    const first = sums4(a0, b0, a1, b1);
    const second = sums4(a2, b2, a3, b3);
    const s = scores + <usize>i * 4;
    v128.store64_lane(s, first, 0);
    v128.store64_lane(s + SCORE_STRIDE, first, 1);
    v128.store64_lane(s + 2 * SCORE_STRIDE, second, 0);
    if (queries == 4) v128.store64_lane(s + 3 * SCORE_STRIDE, second, 1);
  }
}

/** One or two queries, four keys at a time. */
// @ts-ignore: decorator
@inline
function scoreQuads(kind: i32, queries: i32, q: usize, keys: usize, cells: usize, from: i32, to: i32, width: usize, scores: usize): void {
  const q1 = q + width;
  const last = to - 1;
  for (let i = from; i < to; i += 4) {
    const k0 = entryAt(kind, keys, cells, i, width);
    const k1 = entryAt(kind, keys, cells, min(i + 1, last), width);
    const k2 = entryAt(kind, keys, cells, min(i + 2, last), width);
    const k3 = entryAt(kind, keys, cells, min(i + 3, last), width);
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let at: usize = 0; at < width; at += 16) {
      const v = v128.load(q + at);
      const w = queries == 2 ? v128.load(q1 + at) : v;
      let x = values4(kind, k0, at);
      a0 = madd(v, x, a0);
      if (queries == 2) b0 = madd(w, x, b0);
      x = values4(kind, k1, at);
      a1 = madd(v, x, a1);
      if (queries == 2) b1 = madd(w, x, b1);
      x = values4(kind, k2, at);
      a2 = madd(v, x, a2);
      if (queries == 2) b2 = madd(w, x, b2);
      x = values4(kind, k3, at);
      a3 = madd(v, x, a3);
      if (queries == 2) b3 = madd(w, x, b3);
    }
    const s = scores + <usize>i * 4;
    v128.store(s, sums4(a0, a1, a2, a3));
    if (queries == 2) v128.store(s + SCORE_STRIDE, sums4(b0, b1, b2, b3));
  }
}

/** out = sum of p[i] times value i, for i from `from` up to `to`; one output of `width` bytes for each query. */
export function weigh(kind: i32, queries: i32, p: usize, values: usize, cells: usize, from: i32, to: i32, width: usize, out: usize): void {
  while (queries > 0) {
    const taken = min(queries, 4);
    if (kind == TILE) weighSome(TILE, taken, p, values, cells, from, to, width, out);
    else if (kind == CELLS_F16) weighSome(CELLS_F16, taken, p, values, cells, from, to, width, out);
    else weighSome(CELLS_F32, taken, p, values, cells, from, to, width, out);
    p += <usize>taken * SCORE_STRIDE;
    out += <usize>taken * width;
    queries -= taken;
  }
}

// @ts-ignore: decorator
@inline
function weighSome(kind: i32, queries: i32, p: usize, values: usize, cells: usize, from: i32, to: i32, width: usize, out: usize): void {
  if (queries == 4) weighPairs(kind, 4, p, values, cells, from, to, 0, width, width, out);
  else if (queries == 3) weighPairs(kind, 3, p, values, cells, from, to, 0, width, width, out);
  else {
    const wide = width & ~63;
    weighQuads(kind, queries, p, values, cells, from, to, wide, width, out);
    if (queries == 2) weighPairs(kind, 2, p, values, cells, from, to, wide, width, width, out);
    else weighPairs(kind, 1, p, values, cells, from, to, wide, width, width, out);
  }
}

/** Eight values of each output at a time, from byte `at` up to `end`. */
// @ts-ignore: decorator
@inline
function weighPairs(kind: i32, queries: i32, p: usize, values: usize, cells: usize, from: i32, to: i32, at: usize, end: usize, width: usize, out: usize): void {
  const p1 = p + SCORE_STRIDE;
  const p2 = p1 + SCORE_STRIDE;
  const p3 = p2 + SCORE_STRIDE;
  for (; at < end; at += 32) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let i = from; i < to; i++) {
      const entry = entryAt(kind, values, cells, i, width);
      const x = values4(kind, entry, at);
      const y = values4(kind, entry, at + 16);
      const index = <usize>i * 4;
      let w = v128.load32_splat(p + index);
      a0 = madd(w, x, a0);
      b0 = madd(w, y, b0);
      if (queries > 1) {
        w = v128.load32_splat(p1 + index);
        a1 = madd(w, x, a1);
        b1 = madd(w, y, b1);
      }
      if (queries > 2) {
        w = v128.load32_splat(p2 + index);
        a2 = madd(w, x, a2);
        b2 = madd(w, y, b2);
      }
      if (queries > 3) {
        w = v128.load32_splat(p3 + index);
        a3 = madd(w, x, a3);
        b3 = madd(w, y, b3);
      }
    }
    const o = out + at;
    v128.store(o, a0);
    v128.store(o, b0, 16);
    if (queries > 1) {
      v128.store(o + width, a1);
      v128.store(o + width, b1, 16);
    }
    if (queries > 2) {
      v128.store(o + 2 * width, a2);
      v128.store(o + 2 * width, b2, 16);
    }
    if (queries > 3) {
      v128.store(o + 3 * width, a3);
      v128.store(o + 3 * width, b3, 16);
    }
  }
}

/** One or two queries, sixteen values of each output at a time, up to byte `end`. */
// @ts-ignore: decorator
@inline
function weighQuads(kind: i32, queries: i32, p: usize, values: usize, cells: usize, from: i32, to: i32, end: usize, width: usize, out: usize): void {
  if (queries == 2) weighWide(kind, 2, p, values, cells, from, to, end, width, out);
  else weighWide(kind, 1, p, values, cells, from, to, end, width, out);
}

// @ts-ignore: decorator
@inline
function weighWide(kind: i32, queries: i32, p: usize, values: usize, cells: usize, from: i32, to: i32, end: usize, width: usize, out: usize): void {
  const p1 = p + SCORE_STRIDE;
  for (let at: usize = 0; at < end; at += 64) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let i = from; i < to; i++) {
      const entry = entryAt(kind, values, cells, i, width);
      const w = v128.load32_splat(p + <usize>i * 4);
      const v = queries == 2 ? v128.load32_splat(p1 + <usize>i * 4) : w;
      let x = values4(kind, entry, at);
      a0 = madd(w, x, a0);
      if (queries == 2) b0 = madd(v, x, b0);
      x = values4(kind, entry, at + 16);
      a1 = madd(w, x, a1);
      if (queries == 2) b1 = madd(v, x, b1);
      x = values4(kind, entry, at + 32);
      a2 = madd(w, x, a2);
      if (queries == 2) b2 = madd(v, x, b2);
      x = values4(kind, entry, at + 48);
      a3 = madd(w, x, a3);
      if (queries == 2) b3 = madd(v, x, b3);
    }
    store4(out + at, a0, a1, a2, a3);
    if (queries == 2) store4(out + width + at, b0, b1, b2, b3);
  }
}

// @ts-ignore: decorator
@inline
function store4(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a);
  v128.store(at, b, 16);
  v128.store(at, c, 32);
  v128.store(at, d, 48);
}
