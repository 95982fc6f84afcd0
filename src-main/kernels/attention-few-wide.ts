/**
 * Scores of at most four queries, as attention-score-wide.ts says. Three or four read the keys of a whole chunk from four
 * places in turns, and fetch its values meanwhile: strands.ts says why.
 */
import { ATTENTION_CHUNK, ATTENTION_SCORE_STRIDE } from '../engine/executors/wasm/plan-layout';
import { sums4 } from './attention-tiles';
import { madd } from './math';
import { kept, PLACED_HALF, storePair, widePlacedHalf4 } from './wide';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;
/** Keys of a chunk that lie together where they are read from four places. */
const QUARTER: i32 = ATTENTION_CHUNK / 4;

/** Parameters as of `scoreWide`. */
export function scoreFewWide(
  half: bool,
  queries: i32,
  q: usize,
  keys: usize,
  ahead: usize,
  from: i32,
  to: i32,
  width: usize,
  scores: usize,
): void {
  if (half) {
    if (queries == 4) fewFourHalves(q, keys, ahead, from, to, width, scores);
    else if (queries == 3) fewThreeHalves(q, keys, ahead, from, to, width, scores);
    else if (queries == 2) fewTwoHalves(q, keys, from, to, width, scores);
    else fewOneHalves(q, keys, from, to, width, scores);
  } else if (queries == 4) fewFour(q, keys, ahead, from, to, width, scores);
  else if (queries == 3) fewThree(q, keys, ahead, from, to, width, scores);
  else if (queries == 2) fewTwo(q, keys, from, to, width, scores);
  else fewOne(q, keys, from, to, width, scores);
}

// Functions of their own: V8 gives each its registers.
function fewFourHalves(q: usize, keys: usize, ahead: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreFours(4, true, q, keys, ahead, from, to, width, scores);
}

function fewFour(q: usize, keys: usize, ahead: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreFours(4, false, q, keys, ahead, from, to, width, scores);
}

function fewThreeHalves(q: usize, keys: usize, ahead: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreFours(3, true, q, keys, ahead, from, to, width, scores);
}

function fewThree(q: usize, keys: usize, ahead: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreFours(3, false, q, keys, ahead, from, to, width, scores);
}

function fewTwoHalves(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreEights(2, true, q, keys, from, to, width, scores);
}

function fewTwo(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreEights(2, false, q, keys, from, to, width, scores);
}

function fewOneHalves(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreEights(1, true, q, keys, from, to, width, scores);
}

function fewOne(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scoreEights(1, false, q, keys, from, to, width, scores);
}

/** Four values each of two keys in binary16. */
// @ts-ignore: decorator
@inline
function halves(k: usize, l: usize): v128 {
  return v128.shuffle<i64>(v128.load64_zero(k), v128.load64_zero(l), 0, 2);
}

// @ts-ignore: decorator
@inline
function lowOf(half: bool, pair: v128, k: usize, mask: v128): v128 {
  return half ? widePlacedHalf4(i32x4.extend_low_i16x8_s(pair), mask) : v128.load(k);
}

// @ts-ignore: decorator
@inline
function highOf(half: bool, pair: v128, l: usize, mask: v128): v128 {
  return half ? widePlacedHalf4(i32x4.extend_high_i16x8_s(pair), mask) : v128.load(l);
}

/** Three or four queries, four keys at a time: 0 beside 2, and 1 beside 3. */
// @ts-ignore: decorator
@inline
function scoreFours(
  queries: i32,
  half: bool,
  q: usize,
  keys: usize,
  ahead: usize,
  from: i32,
  to: i32,
  width: usize,
  scores: usize,
): void {
  const last = to - 1;
  const bytes = half ? width >> 1 : width;
  const step: usize = half ? 8 : 16;
  const mask = kept(PLACED_HALF);
  const apart = isApart(queries, to - from) ? QUARTER : 1;
  let fetched = 0;
  for (let i = from; i < to; i += 4) {
    const first = apart > 1 ? i >> 2 : i;
    let k0 = keys + <usize>first * bytes;
    let k1 = keys + <usize>min(first + apart, last) * bytes;
    let k2 = keys + <usize>min(first + 2 * apart, last) * bytes;
    let k3 = keys + <usize>min(first + 3 * apart, last) * bytes;
    if (ahead) fetched |= fetch(k0 + ahead, bytes) | fetch(k1 + ahead, bytes) | fetch(k2 + ahead, bytes) | fetch(k3 + ahead, bytes);
    let q0 = q;
    let q1 = q0 + 2 * width;
    let q2 = q1 + 2 * width;
    let q3 = q2 + 2 * width;
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
    for (const end = k0 + bytes; k0 < end; ) {
      let pair = half ? halves(k0, k2) : a0;
      const x0 = lowOf(half, pair, k0, mask);
      const x2 = highOf(half, pair, k2, mask);
      pair = half ? halves(k1, k3) : a0;
      const x1 = lowOf(half, pair, k1, mask);
      const x3 = highOf(half, pair, k3, mask);
      let v = v128.load(q0);
      let w = v128.load(q0, 16);
      a0 = madd(v, x0, a0);
      a2 = madd(w, x2, a2);
      a1 = madd(v, x1, a1);
      a3 = madd(w, x3, a3);
      v = v128.load(q1);
      w = v128.load(q1, 16);
      b0 = madd(v, x0, b0);
      b2 = madd(w, x2, b2);
      b1 = madd(v, x1, b1);
      b3 = madd(w, x3, b3);
      v = v128.load(q2);
      w = v128.load(q2, 16);
      c0 = madd(v, x0, c0);
      c2 = madd(w, x2, c2);
      c1 = madd(v, x1, c1);
      c3 = madd(w, x3, c3);
      if (queries == 4) {
        v = v128.load(q3);
        w = v128.load(q3, 16);
        d0 = madd(v, x0, d0);
        d2 = madd(w, x2, d2);
        d1 = madd(v, x1, d1);
        d3 = madd(w, x3, d3);
      }
      k0 += step;
      k1 += step;
      k2 += step;
      k3 += step;
      q0 += 32;
      q1 += 32;
      q2 += 32;
      if (queries == 4) q3 += 32;
    }
    const s = scores + <usize>i * 4;
    storeFours(s, sums4(a0, a1, b0, b1), sums4(a2, a3, b2, b3), true);
    storeFours(s + 2 * SCORE_STRIDE, sums4(c0, c1, d0, d1), sums4(c2, c3, d2, d3), queries == 4);
  }
  // Where nobody reads it: else the compiler would leave out what fetches.
  store<i32>(scores, fetched, SCORE_STRIDE - 4);
}

/** Loads something of each line of memory. */
// @ts-ignore: decorator
@inline
function fetch(at: usize, bytes: usize): i32 {
  let found = 0;
  for (const end = at + bytes; at < end; at += 64) found |= load<i32>(at);
  return found;
}

/** Whether few queries read `count` keys from four places, each score's place after that of the same key in each. */
export function isApart(queries: i32, count: i32): bool {
  return queries > 2 && count == ATTENTION_CHUNK;
}

/** Scores that were found so to the order of their keys. @param room for a chunk's */
export function inOrder(scores: usize, room: usize): void {
  memory.copy(room, scores, 4 * ATTENTION_CHUNK);
  for (const end = room + 4 * ATTENTION_CHUNK; room < end; room += 64, scores += 16) {
    const r0 = v128.load(room);
    const r1 = v128.load(room, 16);
    const r2 = v128.load(room, 32);
    const r3 = v128.load(room, 48);
    const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const b = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const c = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(scores, v128.shuffle<f64>(a, c, 0, 2));
    v128.store(scores, v128.shuffle<f64>(a, c, 1, 3), 128);
    v128.store(scores, v128.shuffle<f64>(b, d, 0, 2), 256);
    v128.store(scores, v128.shuffle<f64>(b, d, 1, 3), 384);
  }
}

/** Two scores each of two queries, and two more. */
// @ts-ignore: decorator
@inline
function storeFours(to: usize, low: v128, high: v128, both: bool): void {
  storePair(to, low, high);
  v128.store64_lane(to, high, 0, 8);
  if (!both) return;
  v128.store64_lane(to, low, 1, SCORE_STRIDE);
  v128.store64_lane(to, high, 1, SCORE_STRIDE + 8);
}

/** One or two queries, eight keys at a time: 0 beside 4, and so on. */
// @ts-ignore: decorator
@inline
function scoreEights(queries: i32, half: bool, q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  const last = to - 1;
  const bytes = half ? width >> 1 : width;
  const mask = kept(PLACED_HALF);
  for (let i = from; i < to; i += 8) {
    const k0 = keys + <usize>i * bytes;
    const k1 = keys + <usize>min(i + 1, last) * bytes;
    const k2 = keys + <usize>min(i + 2, last) * bytes;
    const k3 = keys + <usize>min(i + 3, last) * bytes;
    const k4 = keys + <usize>min(i + 4, last) * bytes;
    const k5 = keys + <usize>min(i + 5, last) * bytes;
    const k6 = keys + <usize>min(i + 6, last) * bytes;
    const k7 = keys + <usize>min(i + 7, last) * bytes;
    let q0 = q;
    let q1 = q + 2 * width;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let a4 = a0;
    let a5 = a0;
    let a6 = a0;
    let a7 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let b4 = a0;
    let b5 = a0;
    let b6 = a0;
    let b7 = a0;
    for (let at: usize = 0; at < bytes; at += half ? 8 : 16) {
      const va = v128.load(q0);
      const wa = v128.load(q0, 16);
      const vb = queries == 2 ? v128.load(q1) : va;
      const wb = queries == 2 ? v128.load(q1, 16) : wa;
      let pair = half ? halves(k0 + at, k4 + at) : a0;
      let x = lowOf(half, pair, k0 + at, mask);
      let y = highOf(half, pair, k4 + at, mask);
      a0 = madd(va, x, a0);
      a4 = madd(wa, y, a4);
      if (queries == 2) b0 = madd(vb, x, b0);
      if (queries == 2) b4 = madd(wb, y, b4);
      pair = half ? halves(k1 + at, k5 + at) : a0;
      x = lowOf(half, pair, k1 + at, mask);
      y = highOf(half, pair, k5 + at, mask);
      a1 = madd(va, x, a1);
      a5 = madd(wa, y, a5);
      if (queries == 2) b1 = madd(vb, x, b1);
      if (queries == 2) b5 = madd(wb, y, b5);
      pair = half ? halves(k2 + at, k6 + at) : a0;
      x = lowOf(half, pair, k2 + at, mask);
      y = highOf(half, pair, k6 + at, mask);
      a2 = madd(va, x, a2);
      a6 = madd(wa, y, a6);
      if (queries == 2) b2 = madd(vb, x, b2);
      if (queries == 2) b6 = madd(wb, y, b6);
      pair = half ? halves(k3 + at, k7 + at) : a0;
      x = lowOf(half, pair, k3 + at, mask);
      y = highOf(half, pair, k7 + at, mask);
      a3 = madd(va, x, a3);
      a7 = madd(wa, y, a7);
      if (queries == 2) b3 = madd(vb, x, b3);
      if (queries == 2) b7 = madd(wb, y, b7);
      q0 += 32;
      if (queries == 2) q1 += 32;
    }
    const s = scores + <usize>i * 4;
    storePair(s, sums4(a0, a1, a2, a3), sums4(a4, a5, a6, a7));
    if (queries < 2) continue;
    v128.store(s, sums4(b4, b5, b6, b7), SCORE_STRIDE + 16);
    v128.store(s, sums4(b0, b1, b2, b3), SCORE_STRIDE);
  }
}
