/**
 * The two products of attention where K and V are 8-bit codes: queries and weights become 16-bit codes, and all sums are
 * exact integers. A key or value is `i8 codes[values]; f32 scale`.
 */
import { ATTENTION_SCORE_STRIDE } from '../engine/executors/wasm/plan-layout';
import { max4 } from './math';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;
/** The largest code of queries and weights: with 8-bit codes, 128 products stay below 2^31. */
const LARGEST: f32 = 32767;

/** A query of float32 to codes in its place; gives its scale. */
export function encodeQuery(q: usize, values: usize): f32 {
  let highest = f32x4.splat(0);
  const end = q + values * 4;
  for (let at = q; at < end; at += 16) highest = f32x4.max(highest, f32x4.abs(v128.load(at)));
  const largest = max4(highest);
  const inverse = f32x4.splat(largest > 0 ? LARGEST / largest : 0);
  let to = q;
  for (let at = q; at < end; at += 32, to += 16) v128.store(to, codes8(at, inverse));
  // NaN in, NaN out: it makes the scale NaN.
  return largest / LARGEST;
}

/** Eight float32 to 16-bit codes. */
// @ts-ignore: decorator
@inline
function codes8(at: usize, inverse: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), inverse))),
    i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at, 16), inverse))),
  );
}

/** Scales of `count` entries, one after the other, from index `from` on; zeros for the rest of the chunk. */
export function gatherScales(entries: usize, from: i32, count: i32, values: usize, to: usize): void {
  memory.fill(to, 0, SCORE_STRIDE);
  to += <usize>from * 4;
  for (let i = 0; i < count; i++, entries += values + 4, to += 4) store<f32>(to, load<f32>(entries + values));
}

/**
 * Scores of at most four queries and keys `from` up to `to`, without the queries' scales.
 * @param values of a key, a multiple of 8
 * @param scales of the keys
 */
export function scoreCodes(queries: i32, q: usize, keys: usize, scales: usize, from: i32, to: i32, values: usize, scores: usize): void {
  if (queries == 4) scoreFour(q, keys, scales, from, to, values, scores);
  else if (queries == 3) scoreThree(q, keys, scales, from, to, values, scores);
  else if (queries == 2) scoreTwo(q, keys, scales, from, to, values, scores);
  else scoreOne(q, keys, scales, from, to, values, scores);
}

// Functions of their own: V8 gives each its registers.
function scoreFour(q: usize, keys: usize, scales: usize, from: i32, to: i32, values: usize, scores: usize): void {
  score(4, q, keys, scales, from, to, values, scores);
}

function scoreThree(q: usize, keys: usize, scales: usize, from: i32, to: i32, values: usize, scores: usize): void {
  score(3, q, keys, scales, from, to, values, scores);
}

function scoreTwo(q: usize, keys: usize, scales: usize, from: i32, to: i32, values: usize, scores: usize): void {
  score(2, q, keys, scales, from, to, values, scores);
}

function scoreOne(q: usize, keys: usize, scales: usize, from: i32, to: i32, values: usize, scores: usize): void {
  score(1, q, keys, scales, from, to, values, scores);
}

/** Two keys at a time. */
// @ts-ignore: decorator
@inline
function score(queries: i32, q: usize, keys: usize, scales: usize, from: i32, to: i32, values: usize, scores: usize): void {
  // Queries lie as far apart as their float32 did.
  const stride = values * 4;
  const bytes = values + 4;
  const end = q + values * 2;
  for (let i = from; i < to; i += 2) {
    let k = keys + <usize>i * bytes;
    let l = keys + <usize>min(i + 1, to - 1) * bytes;
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let q1 = q + stride;
    let q2 = q1 + stride;
    let q3 = q2 + stride;
    for (let q0 = q; q0 < end; q0 += 32, k += 16, l += 16) {
      let x = v128.load8x8_s(k);
      let y = v128.load8x8_s(l);
      let v = v128.load(q0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, x));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, y));
      if (queries > 1) {
        v = v128.load(q1);
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, x));
        b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, y));
      }
      if (queries > 2) {
        v = v128.load(q2);
        a2 = i32x4.add(a2, i32x4.dot_i16x8_s(v, x));
        b2 = i32x4.add(b2, i32x4.dot_i16x8_s(v, y));
      }
      if (queries > 3) {
        v = v128.load(q3);
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(v, x));
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(v, y));
      }
      x = v128.load8x8_s(k, 8);
      y = v128.load8x8_s(l, 8);
      v = v128.load(q0, 16);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, x));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, y));
      if (queries > 1) {
        v = v128.load(q1, 16);
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, x));
        b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, y));
        q1 += 32;
      }
      if (queries > 2) {
        v = v128.load(q2, 16);
        a2 = i32x4.add(a2, i32x4.dot_i16x8_s(v, x));
        b2 = i32x4.add(b2, i32x4.dot_i16x8_s(v, y));
        q2 += 32;
      }
      if (queries > 3) {
        v = v128.load(q3, 16);
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(v, x));
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(v, y));
        q3 += 32;
      }
    }
    const s = scores + <usize>i * 4;
    // Twice the two keys' scales.
    const scale = v128.load64_splat(scales + <usize>i * 4);
    const first = f32x4.mul(f32x4.convert_i32x4_s(sums4(a0, b0, a1, b1)), scale);
    v128.store64_lane(s, first, 0);
    if (queries > 1) v128.store64_lane(s + SCORE_STRIDE, first, 1);
    if (queries < 3) continue;
    const second = f32x4.mul(f32x4.convert_i32x4_s(sums4(a2, b2, a3, b3)), scale);
    v128.store64_lane(s + 2 * SCORE_STRIDE, second, 0);
    if (queries > 3) v128.store64_lane(s + 3 * SCORE_STRIDE, second, 1);
  }
}

/** The sums of four vectors' lanes. */
// @ts-ignore: decorator
@inline
function sums4(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = i32x4.add(v128.shuffle<i32>(s0, s1, 0, 4, 1, 5), v128.shuffle<i32>(s0, s1, 2, 6, 3, 7));
  const b = i32x4.add(v128.shuffle<i32>(s2, s3, 0, 4, 1, 5), v128.shuffle<i32>(s2, s3, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i64>(a, b, 0, 2), v128.shuffle<i64>(a, b, 1, 3));
}

/**
 * Weights `from` up to `to`, both multiples of 8, times the values' scales, as codes that begin at `p` as the weights do;
 * gives the scale of their products with values' codes.
 */
export function encodeWeights(p: usize, scales: usize, from: i32, to: i32): f32 {
  let highest = f32x4.splat(0);
  const end = <usize>to * 4;
  for (let at = <usize>from * 4; at < end; at += 16) {
    const w = f32x4.mul(v128.load(p + at), v128.load(scales + at));
    v128.store(p + at, w);
    highest = f32x4.max(highest, w);
  }
  const largest = max4(highest);
  const inverse = f32x4.splat(largest > 0 ? LARGEST / largest : 0);
  for (let at = <usize>from * 4; at < end; at += 32) v128.store(p + (at >> 1), codes8(p + at, inverse));
  return largest / LARGEST;
}

/**
 * out = sum of weight i times value i, for i from `from` up to `to`, of at most four queries.
 * @param p codes of weights; that of entry `to` is 0 when there is one more in its pair
 * @param stats of the queries, 16 bytes each; the third float32 is the scale of the weights' products
 */
export function weighCodes(queries: i32, p: usize, entries: usize, from: i32, to: i32, values: usize, out: usize, stats: usize): void {
  if (queries == 4) weighFour(p, entries, from, to, values, out, stats);
  else if (queries == 3) weighThree(p, entries, from, to, values, out, stats);
  else if (queries == 2) weighTwo(p, entries, from, to, values, out, stats);
  else weighOne(p, entries, from, to, values, out, stats);
}

function weighFour(p: usize, entries: usize, from: i32, to: i32, values: usize, out: usize, stats: usize): void {
  weigh(4, p, entries, from, to, values, out, stats);
}

function weighThree(p: usize, entries: usize, from: i32, to: i32, values: usize, out: usize, stats: usize): void {
  weigh(3, p, entries, from, to, values, out, stats);
}

function weighTwo(p: usize, entries: usize, from: i32, to: i32, values: usize, out: usize, stats: usize): void {
  weigh(2, p, entries, from, to, values, out, stats);
}

function weighOne(p: usize, entries: usize, from: i32, to: i32, values: usize, out: usize, stats: usize): void {
  weigh(1, p, entries, from, to, values, out, stats);
}

/** Two values of the context and eight values of each output at a time. */
// @ts-ignore: decorator
@inline
function weigh(queries: i32, p: usize, entries: usize, from: i32, to: i32, values: usize, out: usize, stats: usize): void {
  const bytes = values + 4;
  const first = from & ~1;
  for (let at: usize = 0; at < values; at += 8) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let w = p + <usize>first * 2;
    // Entries before `from` and from `to` on may not be there: what is read instead has weight 0.
    let v = entries + <usize>max(first, from) * bytes + at;
    for (let i = first; i < to; i += 2, w += 4) {
      const l = i + 1 < to ? v + (i >= from ? bytes : 0) : v;
      const x = v128.load8x8_s(v);
      const y = v128.load8x8_s(l);
      const low = v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
      const high = v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
      v = l + bytes;
      let c = v128.load32_splat(w);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(c, low));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(c, high));
      if (queries > 1) {
        c = v128.load32_splat(w, SCORE_STRIDE);
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(c, low));
        b1 = i32x4.add(b1, i32x4.dot_i16x8_s(c, high));
      }
      if (queries > 2) {
        c = v128.load32_splat(w, 2 * SCORE_STRIDE);
        a2 = i32x4.add(a2, i32x4.dot_i16x8_s(c, low));
        b2 = i32x4.add(b2, i32x4.dot_i16x8_s(c, high));
      }
      if (queries > 3) {
        c = v128.load32_splat(w, 3 * SCORE_STRIDE);
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(c, low));
        b3 = i32x4.add(b3, i32x4.dot_i16x8_s(c, high));
      }
    }
    const o = out + at * 4;
    const stride = values * 4;
    store8(o, a0, b0, stats);
    if (queries > 1) store8(o + stride, a1, b1, stats + 16);
    if (queries > 2) store8(o + 2 * stride, a2, b2, stats + 32);
    if (queries > 3) store8(o + 3 * stride, a3, b3, stats + 48);
  }
}

// @ts-ignore: decorator
@inline
function store8(at: usize, low: v128, high: v128, stats: usize): void {
  const scale = v128.load32_splat(stats, 8);
  v128.store(at, f32x4.mul(f32x4.convert_i32x4_s(low), scale));
  v128.store(at, f32x4.mul(f32x4.convert_i32x4_s(high), scale), 16);
}
