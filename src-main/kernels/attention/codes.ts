/**
 * The two products of attention where K and V are 8-bit codes: queries and weights become 16-bit codes, and all sums are
 * exact integers. A key or value is `i8 codes[values]; f32 scale`.
 */
import { ATTENTION_SCORE_STRIDE } from '../../engine/executors/wasm/plan-layout';
import { max4 } from '../base/math';

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
// @inline
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

/** The sums of four vectors' lanes. */
// @inline
export function sums4OfCodes(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = i32x4.add(v128.shuffle<i32>(s0, s1, 0, 4, 1, 5), v128.shuffle<i32>(s0, s1, 2, 6, 3, 7));
  const b = i32x4.add(v128.shuffle<i32>(s2, s3, 0, 4, 1, 5), v128.shuffle<i32>(s2, s3, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i64>(a, b, 0, 2), v128.shuffle<i64>(a, b, 1, 3));
}

// @inline
export function store8(at: usize, low: v128, high: v128, stats: usize): void {
  const scale = v128.load32_splat(stats, 8);
  v128.store(at, f32x4.mul(f32x4.convert_i32x4_s(low), scale));
  v128.store(at, f32x4.mul(f32x4.convert_i32x4_s(high), scale), 16);
}
