/**
 * The sums of values of attention-tiles.ts, to the same bits, in the shape that wide.ts describes: eight neighbouring values
 * of one output lie side by side.
 */
import { ATTENTION_SCORE_STRIDE } from '../engine/executors/wasm/plan-layout';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { kept, storePair } from './wide';

const SCORE_STRIDE: usize = ATTENTION_SCORE_STRIDE;

/** As `weigh`, from entry 0 on. */
export function weighWide(half: bool, queries: i32, p: usize, values: usize, count: i32, width: usize, out: usize): void {
  if (half) {
    if (queries == 4) weighFourHalves(p, values, count, width, out);
    else if (queries == 3) weighThreeHalves(p, values, count, width, out);
    else if (queries == 2) weighTwoHalves(p, values, count, width, out);
    else weighOneHalves(p, values, count, width, out);
  } else if (queries == 4) weighFour(p, values, count, width, out);
  else if (queries == 3) weighThree(p, values, count, width, out);
  else if (queries == 2) weighTwo(p, values, count, width, out);
  else weighOne(p, values, count, width, out);
}

function weighFourHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(4, 1, true, p, values, count, width, 0, out);
}

function weighFour(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(4, 1, false, p, values, count, width, 0, out);
}

function weighThreeHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(3, 1, true, p, values, count, width, 0, out);
}

function weighThree(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(3, 1, false, p, values, count, width, 0, out);
}

function weighTwoHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(2, 1, true, p, values, count, width, weighBlocks(2, 2, true, p, values, count, width, 0, out), out);
}

function weighTwo(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(2, 1, false, p, values, count, width, weighBlocks(2, 2, false, p, values, count, width, 0, out), out);
}

function weighOneHalves(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(1, 1, true, p, values, count, width, weighBlocks(1, 4, true, p, values, count, width, 0, out), out);
}

function weighOne(p: usize, values: usize, count: i32, width: usize, out: usize): void {
  weighBlocks(1, 1, false, p, values, count, width, weighBlocks(1, 4, false, p, values, count, width, 0, out), out);
}

/**
 * Outputs from byte `at` on, as long as there are `blocks` of sixteen values each; gives where it ends.
 * @param blocks times `queries` at most 4
 */
// @ts-ignore: decorator
@inline
function weighBlocks(
  queries: i32,
  blocks: i32,
  half: bool,
  p: usize,
  values: usize,
  count: i32,
  width: usize,
  at: usize,
  out: usize,
): usize {
  const bytes = half ? width >> 1 : width;
  const block: usize = half ? 32 : 64;
  const mask = kept(PLACED_HALF);
  for (; at + blocks * 64 <= width; at += blocks * 64) {
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
    let entry = values + (half ? at >> 1 : at);
    let p0 = p;
    for (const end = p + <usize>count * 4; p0 < end; p0 += 4, entry += bytes) {
      let x0 = values4(half, entry, 0, mask);
      let x1 = values4(half, entry, 1, mask);
      let x2 = values4(half, entry, 2, mask);
      let x3 = values4(half, entry, 3, mask);
      const v = v128.load32_splat(p0);
      const w = queries > 1 ? v128.load32_splat(p0, SCORE_STRIDE) : v;
      a0 = madd(v, x0, a0);
      a1 = madd(v, x1, a1);
      a2 = madd(v, x2, a2);
      a3 = madd(v, x3, a3);
      if (queries == 1 && blocks > 1) {
        const next = entry + block;
        x0 = values4(half, next, 0, mask);
        x1 = values4(half, next, 1, mask);
        x2 = values4(half, next, 2, mask);
        x3 = values4(half, next, 3, mask);
      }
      if (queries * blocks > 1) {
        b0 = madd(w, x0, b0);
        b1 = madd(w, x1, b1);
        b2 = madd(w, x2, b2);
        b3 = madd(w, x3, b3);
      }
      if (queries < 3 && blocks > 1) {
        const next = entry + (queries == 1 ? 2 * block : block);
        x0 = values4(half, next, 0, mask);
        x1 = values4(half, next, 1, mask);
        x2 = values4(half, next, 2, mask);
        x3 = values4(half, next, 3, mask);
      }
      if (queries * blocks > 2) {
        const u = queries > 2 ? v128.load32_splat(p0, 2 * SCORE_STRIDE) : v;
        c0 = madd(u, x0, c0);
        c1 = madd(u, x1, c1);
        c2 = madd(u, x2, c2);
        c3 = madd(u, x3, c3);
      }
      if (queries == 1 && blocks > 1) {
        const next = entry + 3 * block;
        x0 = values4(half, next, 0, mask);
        x1 = values4(half, next, 1, mask);
        x2 = values4(half, next, 2, mask);
        x3 = values4(half, next, 3, mask);
      }
      if (queries * blocks > 3) {
        const u = queries > 3 ? v128.load32_splat(p0, 3 * SCORE_STRIDE) : w;
        d0 = madd(u, x0, d0);
        d1 = madd(u, x1, d1);
        d2 = madd(u, x2, d2);
        d3 = madd(u, x3, d3);
      }
    }
    const o = out + at;
    storeBlock(o, a0, a1, a2, a3);
    if (queries * blocks > 1) storeBlock(queries == 1 ? o + 64 : o + width, b0, b1, b2, b3);
    if (queries * blocks > 2) storeBlock(queries == 1 ? o + 128 : queries == 2 ? o + 64 : o + 2 * width, c0, c1, c2, c3);
    if (queries * blocks > 3) storeBlock(queries == 1 ? o + 192 : queries == 2 ? o + 64 + width : o + 3 * width, d0, d1, d2, d3);
  }
  return at;
}

/** Values 4 x `index` and on of an entry. */
// @ts-ignore: decorator
@inline
function values4(half: bool, entry: usize, index: usize, mask: v128): v128 {
  if (index == 0) return half ? placedHalf4(v128.load16x4_s(entry), mask) : v128.load(entry);
  if (index == 1) return half ? placedHalf4(v128.load16x4_s(entry, 8), mask) : v128.load(entry, 16);
  if (index == 2) return half ? placedHalf4(v128.load16x4_s(entry, 16), mask) : v128.load(entry, 32);
  return half ? placedHalf4(v128.load16x4_s(entry, 24), mask) : v128.load(entry, 48);
}

// @ts-ignore: decorator
@inline
function storeBlock(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  storePair(to, a, b);
  v128.store(to, d, 48);
  v128.store(to, c, 32);
}
