/** What generated kernels call, and how those of 256 bits leave scores. */
import { ATTENTION_SCORE_STRIDE } from '../../engine/executors/wasm/plan-layout';
import { copyVectors } from '../base/copy';
import { storePair } from '../base/wide';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;
/** Four values of each of four queries, twice in a row. */
export const QUERY_GROUP: usize = 128;

/** The sums of four vectors' lanes, by turning the square around. */
// @inline
export function sums4(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7);
  const c = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
  const d = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
  const ab = f32x4.add(a, b);
  const cd = f32x4.add(c, d);
  return f32x4.add(v128.shuffle<f64>(ab, cd, 0, 2), v128.shuffle<f64>(ab, cd, 1, 3));
}

/** Keys that lie together of `count` that are read as four streams; what is left over is read in order. */
// @inline
export function quarterOf(count: i32): i32 {
  return (count >> 4) << 2;
}

/** Whether scores come in the order of four interleaved streams, and not in that of their keys. @param ahead as of `scoreWide` */
// @inline
export function isApart(queries: i32, ahead: usize): bool {
  return ahead != 0 && queries >= 3 && queries <= 4;
}

/** Scores of `count` keys that were found so to the order of their keys. @param buffer for as many */
export function inOrder(scores: usize, count: i32, buffer: usize): void {
  const quarter = quarterOf(count);
  const bytes = <usize>quarter * 4;
  copyVectors(buffer, scores, 4 * bytes);
  for (const end = buffer + 4 * bytes; buffer < end; buffer += 64, scores += 16) {
    const r0 = v128.load(buffer);
    const r1 = v128.load(buffer, 16);
    const r2 = v128.load(buffer, 32);
    const r3 = v128.load(buffer, 48);
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
// @inline
export function storeFours(to: usize, low: v128, high: v128, both: bool): void {
  storePair(to, low, high);
  v128.store64_lane(to, high, 0, 8);
  if (!both) return;
  v128.store64_lane(to, low, 1, SCORE_STRIDE);
  v128.store64_lane(to, high, 1, SCORE_STRIDE + 8);
}

/** Both beside each other first, from where V8 begins. */
// @inline
export function storePairOfScores(to: usize, first: v128, second: v128): void {
  storePair(to, first, second);
  v128.store(to, second, SCORE_STRIDE);
}

// @inline
export function storeBlock(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  storePair(to, a, b);
  v128.store(to, d, 48);
  v128.store(to, c, 32);
}
