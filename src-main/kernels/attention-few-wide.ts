/**
 * Scores of at most four queries, as attention-score-wide.ts says. Where memory is read best from many places in turns
 * (strands.ts), three or four queries read the keys of a chunk from four, and fetch its values meanwhile.
 */
import { ATTENTION_SCORE_STRIDE } from '../engine/executors/wasm/plan-layout';
import { sums4 } from './attention-tiles';
import { copyVectors, fetch } from './copy';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { kept, storePair } from './wide';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;
/** Four values of each of four queries, twice in a row. */
export const QUERY_GROUP: usize = 128;

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

/** Values 4 x `index` and on of key `k`, and beside them those of key `l`, of eight each. */
// @ts-ignore: decorator
@inline
function lowOf(half: bool, k: v128, l: v128, at: usize, index: i32, mask: v128): v128 {
  if (!half) return index ? v128.load(at, 16) : v128.load(at);
  const pair = index ? v128.shuffle<i64>(k, l, 1, 3) : v128.shuffle<i64>(k, l, 0, 2);
  return placedHalf4(i32x4.extend_low_i16x8_s(pair), mask);
}

// @ts-ignore: decorator
@inline
function highOf(half: bool, k: v128, l: v128, at: usize, index: i32, mask: v128): v128 {
  if (!half) return index ? v128.load(at, 16) : v128.load(at);
  const pair = index ? v128.shuffle<i64>(k, l, 1, 3) : v128.shuffle<i64>(k, l, 0, 2);
  return placedHalf4(i32x4.extend_high_i16x8_s(pair), mask);
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
  const step: usize = half ? 16 : 32;
  const mask = kept(PLACED_HALF);
  const quarter = ahead ? quarterOf(to - from) : 0;
  const rest = from + 4 * quarter;
  let fetched = 0;
  for (let i = from; i < to; i += 4) {
    const first = i < rest ? from + ((i - from) >> 2) : i;
    const apart = i < rest ? quarter : 1;
    let k0 = keys + <usize>first * bytes;
    let k1 = keys + <usize>min(first + apart, last) * bytes;
    let k2 = keys + <usize>min(first + 2 * apart, last) * bytes;
    let k3 = keys + <usize>min(first + 3 * apart, last) * bytes;
    if (ahead) fetched |= fetch(k0 + ahead, bytes) | fetch(k1 + ahead, bytes) | fetch(k2 + ahead, bytes) | fetch(k3 + ahead, bytes);
    let at = q;
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
      const h0 = half ? v128.load(k0) : a0;
      const h2 = half ? v128.load(k2) : a0;
      const h1 = half ? v128.load(k1) : a0;
      const h3 = half ? v128.load(k3) : a0;
      let x0 = lowOf(half, h0, h2, k0, 0, mask);
      let x2 = highOf(half, h0, h2, k2, 0, mask);
      let x1 = lowOf(half, h1, h3, k1, 0, mask);
      let x3 = highOf(half, h1, h3, k3, 0, mask);
      let v = v128.load(at);
      let w = v128.load(at, 16);
      a0 = madd(v, x0, a0);
      a2 = madd(w, x2, a2);
      a1 = madd(v, x1, a1);
      a3 = madd(w, x3, a3);
      v = v128.load(at, 32);
      w = v128.load(at, 48);
      b0 = madd(v, x0, b0);
      b2 = madd(w, x2, b2);
      b1 = madd(v, x1, b1);
      b3 = madd(w, x3, b3);
      v = v128.load(at, 64);
      w = v128.load(at, 80);
      c0 = madd(v, x0, c0);
      c2 = madd(w, x2, c2);
      c1 = madd(v, x1, c1);
      c3 = madd(w, x3, c3);
      if (queries == 4) {
        v = v128.load(at, 96);
        w = v128.load(at, 112);
        d0 = madd(v, x0, d0);
        d2 = madd(w, x2, d2);
        d1 = madd(v, x1, d1);
        d3 = madd(w, x3, d3);
      }
      x0 = lowOf(half, h0, h2, k0, 1, mask);
      x2 = highOf(half, h0, h2, k2, 1, mask);
      x1 = lowOf(half, h1, h3, k1, 1, mask);
      x3 = highOf(half, h1, h3, k3, 1, mask);
      v = v128.load(at, 128);
      w = v128.load(at, 144);
      a0 = madd(v, x0, a0);
      a2 = madd(w, x2, a2);
      a1 = madd(v, x1, a1);
      a3 = madd(w, x3, a3);
      v = v128.load(at, 160);
      w = v128.load(at, 176);
      b0 = madd(v, x0, b0);
      b2 = madd(w, x2, b2);
      b1 = madd(v, x1, b1);
      b3 = madd(w, x3, b3);
      v = v128.load(at, 192);
      w = v128.load(at, 208);
      c0 = madd(v, x0, c0);
      c2 = madd(w, x2, c2);
      c1 = madd(v, x1, c1);
      c3 = madd(w, x3, c3);
      if (queries == 4) {
        v = v128.load(at, 224);
        w = v128.load(at, 240);
        d0 = madd(v, x0, d0);
        d2 = madd(w, x2, d2);
        d1 = madd(v, x1, d1);
        d3 = madd(w, x3, d3);
      }
      k0 += step;
      k1 += step;
      k2 += step;
      k3 += step;
      at += 256;
    }
    const s = scores + <usize>i * 4;
    storeFours(s, sums4(a0, a1, b0, b1), sums4(a2, a3, b2, b3), true);
    storeFours(s + 2 * SCORE_STRIDE, sums4(c0, c1, d0, d1), sums4(c2, c3, d2, d3), queries == 4);
  }
  // Where nobody reads it: else the compiler would leave out what fetches.
  store<i32>(scores, fetched, SCORE_STRIDE - 4);
}

/** Keys that lie together of `count` that are read from four places; what is left over is read in order. */
// @ts-ignore: decorator
@inline
function quarterOf(count: i32): i32 {
  return (count >> 4) << 2;
}

/** Whether scores come in the order of four places in turns, and not in that of their keys. @param ahead as of `scoreWide` */
// @ts-ignore: decorator
@inline
export function isApart(queries: i32, ahead: usize): bool {
  return ahead != 0 && queries >= 3 && queries <= 4;
}

/** Scores of `count` keys that were found so to the order of their keys. @param room for as many */
export function inOrder(scores: usize, count: i32, room: usize): void {
  const quarter = quarterOf(count);
  const bytes = <usize>quarter * 4;
  copyVectors(room, scores, 4 * bytes);
  for (const end = room + 4 * bytes; room < end; room += 64, scores += 16) {
    const r0 = v128.load(room);
    const r1 = v128.load(room, 16);
    const r2 = v128.load(room, 32);
    const r3 = v128.load(room, 48);
    const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const b = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const c = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(scores, v128.shuffle<f64>(a, c, 0, 2));
    v128.store(scores + bytes, v128.shuffle<f64>(a, c, 1, 3));
    v128.store(scores + 2 * bytes, v128.shuffle<f64>(b, d, 0, 2));
    v128.store(scores + 3 * bytes, v128.shuffle<f64>(b, d, 1, 3));
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
    let group = q;
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
      const va = v128.load(group);
      const wa = v128.load(group, 16);
      const vb = queries == 2 ? v128.load(group, 32) : va;
      const wb = queries == 2 ? v128.load(group, 48) : wa;
      let k = half ? v128.load64_zero(k0 + at) : a0;
      let l = half ? v128.load64_zero(k4 + at) : a0;
      let x = lowOf(half, k, l, k0 + at, 0, mask);
      let y = highOf(half, k, l, k4 + at, 0, mask);
      a0 = madd(va, x, a0);
      a4 = madd(wa, y, a4);
      if (queries == 2) b0 = madd(vb, x, b0);
      if (queries == 2) b4 = madd(wb, y, b4);
      k = half ? v128.load64_zero(k1 + at) : a0;
      l = half ? v128.load64_zero(k5 + at) : a0;
      x = lowOf(half, k, l, k1 + at, 0, mask);
      y = highOf(half, k, l, k5 + at, 0, mask);
      a1 = madd(va, x, a1);
      a5 = madd(wa, y, a5);
      if (queries == 2) b1 = madd(vb, x, b1);
      if (queries == 2) b5 = madd(wb, y, b5);
      k = half ? v128.load64_zero(k2 + at) : a0;
      l = half ? v128.load64_zero(k6 + at) : a0;
      x = lowOf(half, k, l, k2 + at, 0, mask);
      y = highOf(half, k, l, k6 + at, 0, mask);
      a2 = madd(va, x, a2);
      a6 = madd(wa, y, a6);
      if (queries == 2) b2 = madd(vb, x, b2);
      if (queries == 2) b6 = madd(wb, y, b6);
      k = half ? v128.load64_zero(k3 + at) : a0;
      l = half ? v128.load64_zero(k7 + at) : a0;
      x = lowOf(half, k, l, k3 + at, 0, mask);
      y = highOf(half, k, l, k7 + at, 0, mask);
      a3 = madd(va, x, a3);
      a7 = madd(wa, y, a7);
      if (queries == 2) b3 = madd(vb, x, b3);
      if (queries == 2) b7 = madd(wb, y, b7);
      group += QUERY_GROUP;
    }
    const s = scores + <usize>i * 4;
    storePair(s, sums4(a0, a1, a2, a3), sums4(a4, a5, a6, a7));
    if (queries < 2) continue;
    v128.store(s, sums4(b4, b5, b6, b7), SCORE_STRIDE + 16);
    v128.store(s, sums4(b0, b1, b2, b3), SCORE_STRIDE);
  }
}
