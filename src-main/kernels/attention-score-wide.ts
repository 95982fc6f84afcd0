/**
 * The scores of attention-tiles.ts, to the same bits, in the shape that wide.ts describes. Two scores lie side by side
 * in 256 bits, never two parts of one, so that their sums keep their order:
 *
 * - few queries take turns, four values each and each of these twice in a row, and meet two keys at once
 *   (attention-few-wide.ts);
 * - more come in pairs that take turns, four values each, and meet one key twice.
 */
import { ATTENTION_SCORE_STRIDE } from '../engine/executors/wasm/plan-layout';
import { QUERY_GROUP, scoreFewWide } from './attention-few-wide';
import { scoreOne, sums4 } from './attention-tiles';
import { copyVectors } from './copy';
import { madd } from './math';
import { storePair } from './wide';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;

/** Puts query `j` of `count`, of which there are `few` or not, in its place. */
export function spreadQuery(from: usize, q: usize, j: i32, count: i32, few: bool, width: usize): void {
  if (!few && j == (count | 1) - 1) {
    copyVectors(q + <usize>j * width, from, width);
    return;
  }
  let to = few ? q + <usize>j * 32 : q + <usize>(j & ~1) * width + ((j & 1) << 4);
  for (const end = from + width; from < end; from += 16, to += few ? QUERY_GROUP : 32) {
    v128.store(to, v128.load(from));
    if (few) v128.store(to, v128.load(from), 16);
  }
}

/**
 * As `score`; writes up to seven scores more that mean nothing. Those of few queries need `inOrder` where `isApart`.
 * @param ahead bytes from keys to what is read after them and fetched meanwhile; 0: nothing is, and keys are read in order
 */
export function scoreWide(
  half: bool,
  few: bool,
  queries: i32,
  q: usize,
  keys: usize,
  ahead: usize,
  from: i32,
  to: i32,
  width: usize,
  scores: usize,
): void {
  if (few) {
    scoreFewWide(half, queries, q, keys, ahead, from, to, width, scores);
    return;
  }
  if (queries == 4) scorePairsFour(q, keys, from, to, width, scores);
  else if (queries > 1) scorePairsTwo(q, keys, from, to, width, scores);
  const rest = <usize>queries - 1;
  if (queries & 1) scoreOne(q + rest * width, keys, from, to, width, scores + rest * SCORE_STRIDE);
}

// Functions of their own: V8 gives each its registers.
function scorePairsFour(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scorePairs(4, q, keys, from, to, width, scores);
}

function scorePairsTwo(q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  scorePairs(2, q, keys, from, to, width, scores);
}

/** One or two pairs of queries, four keys at a time. */
// @ts-ignore: decorator
@inline
function scorePairs(queries: i32, q: usize, keys: usize, from: i32, to: i32, width: usize, scores: usize): void {
  const last = to - 1;
  for (let i = from; i < to; i += 4) {
    let k0 = keys + <usize>i * width;
    let k1 = keys + <usize>min(i + 1, last) * width;
    let k2 = keys + <usize>min(i + 2, last) * width;
    let k3 = keys + <usize>min(i + 3, last) * width;
    let first = q;
    let second = q + 2 * width;
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
    for (const end = k0 + width; k0 < end; ) {
      let va = v128.load(first);
      let vb = v128.load(first, 16);
      let vc = queries == 4 ? v128.load(second) : va;
      let vd = queries == 4 ? v128.load(second, 16) : vb;
      let x = v128.load(k0);
      a0 = madd(va, x, a0);
      b0 = madd(vb, x, b0);
      if (queries == 4) c0 = madd(vc, x, c0);
      if (queries == 4) d0 = madd(vd, x, d0);
      x = v128.load(k1);
      a1 = madd(va, x, a1);
      b1 = madd(vb, x, b1);
      if (queries == 4) c1 = madd(vc, x, c1);
      if (queries == 4) d1 = madd(vd, x, d1);
      x = v128.load(k2);
      a2 = madd(va, x, a2);
      b2 = madd(vb, x, b2);
      if (queries == 4) c2 = madd(vc, x, c2);
      if (queries == 4) d2 = madd(vd, x, d2);
      x = v128.load(k3);
      a3 = madd(va, x, a3);
      b3 = madd(vb, x, b3);
      if (queries == 4) c3 = madd(vc, x, c3);
      if (queries == 4) d3 = madd(vd, x, d3);
      va = v128.load(first, 32);
      vb = v128.load(first, 48);
      vc = queries == 4 ? v128.load(second, 32) : va;
      vd = queries == 4 ? v128.load(second, 48) : vb;
      x = v128.load(k0, 16);
      a0 = madd(va, x, a0);
      b0 = madd(vb, x, b0);
      if (queries == 4) c0 = madd(vc, x, c0);
      if (queries == 4) d0 = madd(vd, x, d0);
      x = v128.load(k1, 16);
      a1 = madd(va, x, a1);
      b1 = madd(vb, x, b1);
      if (queries == 4) c1 = madd(vc, x, c1);
      if (queries == 4) d1 = madd(vd, x, d1);
      x = v128.load(k2, 16);
      a2 = madd(va, x, a2);
      b2 = madd(vb, x, b2);
      if (queries == 4) c2 = madd(vc, x, c2);
      if (queries == 4) d2 = madd(vd, x, d2);
      x = v128.load(k3, 16);
      a3 = madd(va, x, a3);
      b3 = madd(vb, x, b3);
      if (queries == 4) c3 = madd(vc, x, c3);
      if (queries == 4) d3 = madd(vd, x, d3);
      k0 += 32;
      k1 += 32;
      k2 += 32;
      k3 += 32;
      first += 64;
      if (queries == 4) second += 64;
    }
    storePairsScores(scores + <usize>i * 4, sums4(a0, a1, a2, a3), sums4(b0, b1, b2, b3));
    if (queries == 4) {
      storePairsScores(scores + 2 * SCORE_STRIDE + <usize>i * 4, sums4(c0, c1, c2, c3), sums4(d0, d1, d2, d3));
    }
  }
}

/** Both beside each other first, from where V8 begins. */
// @ts-ignore: decorator
@inline
function storePairsScores(to: usize, first: v128, second: v128): void {
  storePair(to, first, second);
  v128.store(to, second, SCORE_STRIDE);
}

