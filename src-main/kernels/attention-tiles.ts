/**
 * The two products of attention over the keys of one chunk: scores = q K^T and out = p V, for a few queries at a time so
 * that each key and value is loaded once for all of them. Whatever is computed beside it, a score is four chains of
 * multiply-adds over the head's values, added in one order, and an output one chain over the keys in their order.
 *
 * Keys and values lie one after the other, in float32 or, for few queries, in binary16. Those that are or were binary16
 * are taken as 2^-112 of what they stand for (see `placedHalf4`). `width` is the bytes of one in float32, a multiple of 64.
 */
import { ATTENTION_SCORE_STRIDE } from '../engine/executors/wasm/plan-layout';
import { weighWide } from './attention-weigh-wide';
import { placeHalves } from './attention-passes';
import { copyVectors } from './copy';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { kept } from './wide';

/** Bytes from one query's scores to the next: those of a chunk, and room for a vector that is written past the end. */
const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;

/** Entries of `count` cells, `bytes` each, to `tile`, one after the other. */
export function copyEntries(storage: usize, cells: usize, count: i32, bytes: usize, tile: usize): void {
  for (let run = 0; count > 0; count -= run, cells += <usize>run * 4) {
    run = runLength(cells, count);
    const from = storage + <usize>load<i32>(cells) * bytes;
    const size = <usize>run * bytes;
    if (size & 15) memory.copy(tile, from, size);
    else copyVectors(tile, from, size);
    tile += size;
  }
}

/** The first of `count` cells, and those that lie behind it in order: memory is read fast where they are taken together. */
function runLength(cells: usize, count: i32): i32 {
  const first = load<i32>(cells);
  let length = 1;
  while (length < count && load<i32>(cells + <usize>length * 4) == first + length) length++;
  return length;
}

/** The same from binary16 to float32. */
export function copyHalves(storage: usize, cells: usize, count: i32, bytes: usize, tile: usize): void {
  for (let run = 0; count > 0; count -= run, cells += <usize>run * 4) {
    run = runLength(cells, count);
    const size = <usize>run * bytes;
    placeHalves(storage + <usize>load<i32>(cells) * bytes, size, tile);
    tile += 2 * size;
  }
}

/** Values 4 x `index` and on of an entry. @param mask `kept(PLACED_HALF)` */
// @ts-ignore: decorator
@inline
function values4(half: bool, entry: usize, index: usize, mask: v128): v128 {
  if (index == 0) return half ? placedHalf4(v128.load16x4_s(entry), mask) : v128.load(entry);
  if (index == 1) return half ? placedHalf4(v128.load16x4_s(entry, 8), mask) : v128.load(entry, 16);
  if (index == 2) return half ? placedHalf4(v128.load16x4_s(entry, 16), mask) : v128.load(entry, 32);
  return half ? placedHalf4(v128.load16x4_s(entry, 24), mask) : v128.load(entry, 48);
}

/** The sums of four vectors' lanes, by turning the square around. */
// @ts-ignore: decorator
@inline
export function sums4(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
  const c = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
  const d = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
  const ab = f32x4.add(a, b);
  const cd = f32x4.add(c, d);
  return f32x4.add(v128.shuffle<f64>(ab, cd, 0, 2), v128.shuffle<f64>(ab, cd, 1, 3));
}

/**
 * Scores of at most four queries and keys `from` up to `to`, and perhaps up to three more that mean nothing.
 * @param keys where key 0 would be
 */
export function score(half: bool, queries: i32, q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  if (half) {
    if (queries == 4) scoreFourHalves(q, keys, from, to, width, scores);
    else if (queries == 3) scoreThreeHalves(q, keys, from, to, width, scores);
    else if (queries == 2) scoreTwoHalves(q, keys, from, to, width, scores);
    else scoreOneHalves(q, keys, from, to, width, scores);
  } else if (queries == 4) scoreFour(q, keys, from, to, width, scores);
  else if (queries == 3) scoreThree(q, keys, from, to, width, scores);
  else if (queries == 2) scoreTwo(q, keys, from, to, width, scores);
  else scoreOne(q, keys, from, to, width, scores);
}

// Functions of their own: V8 gives each its registers.
function scoreFourHalves(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scorePairs(4, true, q, keys, from, to, width, scores);
}

function scoreFour(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scorePairs(4, false, q, keys, from, to, width, scores);
}

function scoreThreeHalves(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scorePairs(3, true, q, keys, from, to, width, scores);
}

function scoreThree(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scorePairs(3, false, q, keys, from, to, width, scores);
}

function scoreTwoHalves(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreQuads(2, true, q, keys, from, to, width, scores);
}

function scoreTwo(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreQuads(2, false, q, keys, from, to, width, scores);
}

function scoreOneHalves(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreQuads(1, true, q, keys, from, to, width, scores);
}

export function scoreOne(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreQuads(1, false, q, keys, from, to, width, scores);
}

/** Three or four queries, two keys at a time. */
// @ts-ignore: decorator
@inline
function scorePairs(queries: i32, half: bool, q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  const mask = kept(PLACED_HALF);
  const bytes = half ? width >> 1 : width;
  for (let i = from; i < to; i += 2) {
    let k = keys + <usize>i * bytes;
    let l = keys + <usize>min(i + 1, to - 1) * bytes;
    let q0 = q;
    let q1 = q + width;
    let q2 = q1 + width;
    let q3 = q2 + width;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (const end = q + width; q0 < end; ) {
      let x = values4(half, k, 0, mask);
      let y = values4(half, l, 0, mask);
      let v = v128.load(q0);
      a0 = madd(v, x, a0);
      b0 = madd(v, y, b0);
      v = v128.load(q1);
      a1 = madd(v, x, a1);
      b1 = madd(v, y, b1);
      v = v128.load(q2);
      a2 = madd(v, x, a2);
      b2 = madd(v, y, b2);
      if (queries == 4) {
        v = v128.load(q3);
        a3 = madd(v, x, a3);
        b3 = madd(v, y, b3);
      }
      x = values4(half, k, 1, mask);
      y = values4(half, l, 1, mask);
      v = v128.load(q0, 16);
      a0 = madd(v, x, a0);
      b0 = madd(v, y, b0);
      v = v128.load(q1, 16);
      a1 = madd(v, x, a1);
      b1 = madd(v, y, b1);
      v = v128.load(q2, 16);
      a2 = madd(v, x, a2);
      b2 = madd(v, y, b2);
      if (queries == 4) {
        v = v128.load(q3, 16);
        a3 = madd(v, x, a3);
        b3 = madd(v, y, b3);
      }
      k += half ? 16 : 32;
      l += half ? 16 : 32;
      q0 += 32;
      q1 += 32;
      q2 += 32;
      if (queries == 4) q3 += 32;
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
function scoreQuads(queries: i32, half: bool, q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  const mask = kept(PLACED_HALF);
  const q1 = q + width;
  const last = to - 1;
  const bytes = half ? width >> 1 : width;
  for (let i = from; i < to; i += 4) {
    const k0 = keys + <usize>i * bytes;
    const k1 = keys + <usize>min(i + 1, last) * bytes;
    const k2 = keys + <usize>min(i + 2, last) * bytes;
    const k3 = keys + <usize>min(i + 3, last) * bytes;
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
      let x = values4(half, k0 + (half ? at >> 1 : at), 0, mask);
      a0 = madd(v, x, a0);
      if (queries == 2) b0 = madd(w, x, b0);
      x = values4(half, k1 + (half ? at >> 1 : at), 0, mask);
      a1 = madd(v, x, a1);
      if (queries == 2) b1 = madd(w, x, b1);
      x = values4(half, k2 + (half ? at >> 1 : at), 0, mask);
      a2 = madd(v, x, a2);
      if (queries == 2) b2 = madd(w, x, b2);
      x = values4(half, k3 + (half ? at >> 1 : at), 0, mask);
      a3 = madd(v, x, a3);
      if (queries == 2) b3 = madd(w, x, b3);
    }
    const s = scores + <usize>i * 4;
    v128.store(s, sums4(a0, a1, a2, a3));
    if (queries == 2) v128.store(s + SCORE_STRIDE, sums4(b0, b1, b2, b3));
  }
}

/**
 * out = sum of p[i] times value i, for i from `from` up to `to`, of at most four queries; `width` bytes for each.
 * @param values where value 0 would be
 */
export function weigh(half: bool, queries: i32, p: usize, values: usize, from: i32, to: i32, width: usize, out: usize): void {
  p += <usize>from * 4;
  const first = values + <usize>from * (half ? width >> 1 : width);
  const count = to - from;
  if (WIDE) {
    weighWide(half, queries, p, first, count, width, out);
    return;
  }
  if (half) {
    if (queries == 4) weighFourHalves(p, first, count, width, out);
    else if (queries == 3) weighThreeHalves(p, first, count, width, out);
    else if (queries == 2) weighTwoHalves(p, first, count, width, out);
    else weighOneHalves(p, first, count, width, out);
  } else if (queries == 4) weighFour(p, first, count, width, out);
  else if (queries == 3) weighThree(p, first, count, width, out);
  else if (queries == 2) weighTwo(p, first, count, width, out);
  else weighOne(p, first, count, width, out);
}

function weighFourHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighPairs(4, true, p, values, count, width, out);
}

function weighFour(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighPairs(4, false, p, values, count, width, out);
}

function weighThreeHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighPairs(3, true, p, values, count, width, out);
}

function weighThree(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighPairs(3, false, p, values, count, width, out);
}

function weighTwoHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighQuads(2, true, p, values, count, width, out);
}

function weighTwo(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighQuads(2, false, p, values, count, width, out);
}

function weighOneHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighQuads(1, true, p, values, count, width, out);
}

function weighOne(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighQuads(1, false, p, values, count, width, out);
}

/** Three or four queries, eight values of each output at a time. */
// @ts-ignore: decorator
@inline
function weighPairs(queries: i32, half: bool, p: usize, values: usize, count: i32, width: usize, out: usize): void {
  const mask = kept(PLACED_HALF);
  for (let at: usize = 0; at < width; at += 32) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let p0 = p;
    let entry = values + (half ? at >> 1 : at);
    const bytes = half ? width >> 1 : width;
    for (const end = p + <usize>count * 4; p0 < end; p0 += 4, entry += bytes) {
      const x = values4(half, entry, 0, mask);
      const y = values4(half, entry, 1, mask);
      let w = v128.load32_splat(p0);
      a0 = madd(w, x, a0);
      b0 = madd(w, y, b0);
      w = v128.load32_splat(p0, SCORE_STRIDE);
      a1 = madd(w, x, a1);
      b1 = madd(w, y, b1);
      w = v128.load32_splat(p0, 2 * SCORE_STRIDE);
      a2 = madd(w, x, a2);
      b2 = madd(w, y, b2);
      if (queries == 4) {
        w = v128.load32_splat(p0, 3 * SCORE_STRIDE);
        a3 = madd(w, x, a3);
        b3 = madd(w, y, b3);
      }
    }
    let o = out + at;
    v128.store(o, a0);
    v128.store(o, b0, 16);
    o += width;
    v128.store(o, a1);
    v128.store(o, b1, 16);
    o += width;
    v128.store(o, a2);
    v128.store(o, b2, 16);
    if (queries < 4) continue;
    o += width;
    v128.store(o, a3);
    v128.store(o, b3, 16);
  }
}

/** One or two queries, sixteen values of each output at a time. */
// @ts-ignore: decorator
@inline
function weighQuads(queries: i32, half: bool, p: usize, values: usize, count: i32, width: usize, out: usize): void {
  const mask = kept(PLACED_HALF);
  for (let at: usize = 0; at < width; at += 64) {
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let p0 = p;
    let entry = values + (half ? at >> 1 : at);
    const bytes = half ? width >> 1 : width;
    for (const end = p + <usize>count * 4; p0 < end; p0 += 4, entry += bytes) {
      const w = v128.load32_splat(p0);
      const v = queries == 2 ? v128.load32_splat(p0, SCORE_STRIDE) : w;
      let x = values4(half, entry, 0, mask);
      a0 = madd(w, x, a0);
      if (queries == 2) b0 = madd(v, x, b0);
      x = values4(half, entry, 1, mask);
      a1 = madd(w, x, a1);
      if (queries == 2) b1 = madd(v, x, b1);
      x = values4(half, entry, 2, mask);
      a2 = madd(w, x, a2);
      if (queries == 2) b2 = madd(v, x, b2);
      x = values4(half, entry, 3, mask);
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
