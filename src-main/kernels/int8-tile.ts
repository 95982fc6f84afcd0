/**
 * Four rows of 8-bit activations times a panel of 8 rows of weights: of 8 bits, or fewer that are unpacked meanwhile. Where
 * that does not pay, a panel is unpacked first, into a tile of 8-bit codes in blocks of 32 inputs:
 *
 *     f16 d[8]            scale of each row, or d[2][8]: of each half of the block
 *     f16 m[8]            minimum of each row, only with minimums
 *     u8  codes[8][8][4]  [j][row][i]: input 4j + i
 *
 * A weight is (code - zero) d, or code d + m. Sums within a block are exact integers; blocks are added in order, so a row
 * gives the same bits alone and among four.
 *
 * Four rows' float32 sums lie in memory between blocks. V8 loads whatever a loop's body loads before it computes, so
 * that eight integer sums, four activations and two vectors of codes are all that fits into sixteen registers.
 */
import { dot4 } from './dot';
import { dot, fourthOfSixBits, storeScaled, widened } from './int8-row';
import { madd, placedHalf4 } from './math';
import { XQ4_BLOCK, XQ4_LOW_SUM, XQ4_SCALE, XQ4_SCALED_SUM, XQ4_SUM } from './quantize';

export const TILE_BLOCK: usize = 272;
export const TILE_BLOCK_MIN: usize = 288;
export const TILE_BLOCK_HALVES: usize = 288;
/** Bytes of the sums of four rows. */
const ROW_SUMS: usize = 32;

/** Four rows of activations that lie together; `sums` is 128 bytes of room. */
// @ts-ignore: decorator
@inline
export function tileFourRows(
  op: usize,
  x: usize,
  tile: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  zero: i32,
  min: bool,
  sums: usize,
): void {
  const shift = i32x4.splat(-zero);
  memory.fill(sums, 0, 4 * ROW_SUMS);
  for (; blocks > 0; blocks--) {
    let a0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM), shift);
    let b0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM + 4), shift);
    let c0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM + 8), shift);
    let d0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM + 12), shift);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    let codes = tile + (min ? 32 : 16);
    for (const end = x + 128; x < end; x += 16, codes += 32) {
      const w0 = v128.load(codes);
      const w1 = v128.load(codes, 16);
      const va = v128.load32_splat(x);
      const vb = v128.load32_splat(x, 4);
      const vc = v128.load32_splat(x, 8);
      const vd = v128.load32_splat(x, 12);
      a0 = dot4(va, w0, a0);
      a1 = dot4(va, w1, a1);
      b0 = dot4(vb, w0, b0);
      b1 = dot4(vb, w1, b1);
      c0 = dot4(vc, w0, c0);
      c1 = dot4(vc, w1, c1);
      d0 = dot4(vd, w0, d0);
      d1 = dot4(vd, w1, d1);
    }
    x -= 128;
    addFourRows(sums, x, tile, a0, a1, b0, b1, c0, c1, d0, d1);
    if (min) addMinimums(sums, x, tile + 16);
    tile += min ? TILE_BLOCK_MIN : TILE_BLOCK;
    x += XQ4_BLOCK;
  }
  storeFourRows(op, row, panel, sums);
}

/** As `tileFourRows`, with nibbles as they lie in memory (tile.ts says how). @param short sums of a block are of 16 bits */
// @ts-ignore: decorator
@inline
export function nibblesFourRows(
  op: usize,
  x: usize,
  w: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  zero: i32,
  min: bool,
  short: bool,
  sums: usize,
): void {
  const mask = i8x16.splat(15);
  const shift = i32x4.splat(-zero);
  memory.fill(sums, 0, 4 * ROW_SUMS);
  for (; blocks > 0; blocks--) {
    let a0 = min || short ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM), shift);
    let b0 = min || short ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM + 4), shift);
    let c0 = min || short ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM + 8), shift);
    let d0 = min || short ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ4_SUM + 12), shift);
    let a1 = a0;
    let b1 = b0;
    let c1 = c0;
    let d1 = d0;
    let codes = w + (min ? 32 : 16);
    for (const end = x + 64; x < end; x += 16, codes += 32) {
      const w0 = v128.and(v128.load(codes), mask);
      const w1 = v128.and(v128.load(codes, 16), mask);
      const va = v128.load32_splat(x);
      const vb = v128.load32_splat(x, 4);
      const vc = v128.load32_splat(x, 8);
      const vd = v128.load32_splat(x, 12);
      a0 = dot(short, va, w0, a0);
      a1 = dot(short, va, w1, a1);
      b0 = dot(short, vb, w0, b0);
      b1 = dot(short, vb, w1, b1);
      c0 = dot(short, vc, w0, c0);
      c1 = dot(short, vc, w1, c1);
      d0 = dot(short, vd, w0, d0);
      d1 = dot(short, vd, w1, d1);
    }
    codes -= 128;
    for (const end = x + 64; x < end; x += 16, codes += 32) {
      const w0 = v128.and(i16x8.shr_u(v128.load(codes), 4), mask);
      const w1 = v128.and(i16x8.shr_u(v128.load(codes, 16), 4), mask);
      const va = v128.load32_splat(x);
      const vb = v128.load32_splat(x, 4);
      const vc = v128.load32_splat(x, 8);
      const vd = v128.load32_splat(x, 12);
      a0 = dot(short, va, w0, a0);
      a1 = dot(short, va, w1, a1);
      b0 = dot(short, vb, w0, b0);
      b1 = dot(short, vb, w1, b1);
      c0 = dot(short, vc, w0, c0);
      c1 = dot(short, vc, w1, c1);
      d0 = dot(short, vd, w0, d0);
      d1 = dot(short, vd, w1, d1);
    }
    x -= 128;
    if (short) {
      const start = min ? i32x4.splat(0) : i32x4.mul(v128.load(x, XQ4_SUM), shift);
      a0 = widened(true, a0, i32x4.splat(i32x4.extract_lane(start, 0)));
      a1 = widened(true, a1, i32x4.splat(i32x4.extract_lane(start, 0)));
      b0 = widened(true, b0, i32x4.splat(i32x4.extract_lane(start, 1)));
      b1 = widened(true, b1, i32x4.splat(i32x4.extract_lane(start, 1)));
      c0 = widened(true, c0, i32x4.splat(i32x4.extract_lane(start, 2)));
      c1 = widened(true, c1, i32x4.splat(i32x4.extract_lane(start, 2)));
      d0 = widened(true, d0, i32x4.splat(i32x4.extract_lane(start, 3)));
      d1 = widened(true, d1, i32x4.splat(i32x4.extract_lane(start, 3)));
    }
    addFourRows(sums, x, w, a0, a1, b0, b1, c0, c1, d0, d1);
    if (min) addMinimums(sums, x, w + 16);
    w = codes;
    x += XQ4_BLOCK;
  }
  storeFourRows(op, row, panel, sums);
}

/** sums += integers * weight scales at `halves` * activation scales. */
// @ts-ignore: decorator
@inline
function addFourRows(
  sums: usize,
  x: usize,
  halves: usize,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
): void {
  const w0 = placedHalf4(v128.load16x4_s(halves));
  const w1 = placedHalf4(v128.load16x4_s(halves, 8));
  addScaled(sums, a0, a1, w0, w1, v128.load32_splat(x, XQ4_SCALE));
  addScaled(sums + ROW_SUMS, b0, b1, w0, w1, v128.load32_splat(x, XQ4_SCALE + 4));
  addScaled(sums + 2 * ROW_SUMS, c0, c1, w0, w1, v128.load32_splat(x, XQ4_SCALE + 8));
  addScaled(sums + 3 * ROW_SUMS, d0, d1, w0, w1, v128.load32_splat(x, XQ4_SCALE + 12));
}

// @ts-ignore: decorator
@inline
function addScaled(sums: usize, s0: v128, s1: v128, w0: v128, w1: v128, scale: v128): void {
  v128.store(sums, madd(f32x4.convert_i32x4_s(s0), f32x4.mul(w0, scale), v128.load(sums)));
  v128.store(sums, madd(f32x4.convert_i32x4_s(s1), f32x4.mul(w1, scale), v128.load(sums, 16)), 16);
}

/** sums += minimums at `halves` * sums of the activations. */
// @ts-ignore: decorator
@inline
function addMinimums(sums: usize, x: usize, halves: usize): void {
  const m0 = placedHalf4(v128.load16x4_s(halves));
  const m1 = placedHalf4(v128.load16x4_s(halves, 8));
  addProduct(sums, m0, m1, v128.load32_splat(x, XQ4_SCALED_SUM));
  addProduct(sums + ROW_SUMS, m0, m1, v128.load32_splat(x, XQ4_SCALED_SUM + 4));
  addProduct(sums + 2 * ROW_SUMS, m0, m1, v128.load32_splat(x, XQ4_SCALED_SUM + 8));
  addProduct(sums + 3 * ROW_SUMS, m0, m1, v128.load32_splat(x, XQ4_SCALED_SUM + 12));
}

// @ts-ignore: decorator
@inline
function addProduct(sums: usize, m0: v128, m1: v128, factor: v128): void {
  v128.store(sums, madd(m0, factor, v128.load(sums)));
  v128.store(sums, madd(m1, factor, v128.load(sums, 16)), 16);
}

function storeFourRows(op: usize, row: i32, panel: i32, sums: usize): void {
  for (let i = 0; i < 4; i++) {
    const at = sums + <usize>i * ROW_SUMS;
    storeScaled(op, row + i, panel, v128.load(at), v128.load(at, 16));
  }
}

/** As `tileFourRows`, each half of a block with a scale of its own. */
export function halvesFourRows(op: usize, x: usize, tile: usize, blocks: i32, row: i32, panel: i32, sums: usize): void {
  memory.fill(sums, 0, 4 * ROW_SUMS);
  for (; blocks > 0; blocks--) {
    for (let half: usize = 0; half < 2; half++) {
      let a0 = startOfHalf(x, half);
      let b0 = startOfHalf(x + 4, half);
      let c0 = startOfHalf(x + 8, half);
      let d0 = startOfHalf(x + 12, half);
      let a1 = a0;
      let b1 = b0;
      let c1 = c0;
      let d1 = d0;
      let codes = tile + 32 + half * 128;
      let at = x + half * 64;
      for (const end = codes + 128; codes < end; at += 16, codes += 32) {
        const w0 = v128.load(codes);
        const w1 = v128.load(codes, 16);
        const va = v128.load32_splat(at);
        const vb = v128.load32_splat(at, 4);
        const vc = v128.load32_splat(at, 8);
        const vd = v128.load32_splat(at, 12);
        a0 = dot4(va, w0, a0);
        a1 = dot4(va, w1, a1);
        b0 = dot4(vb, w0, b0);
        b1 = dot4(vb, w1, b1);
        c0 = dot4(vc, w0, c0);
        c1 = dot4(vc, w1, c1);
        d0 = dot4(vd, w0, d0);
        d1 = dot4(vd, w1, d1);
      }
      addFourRows(sums, x, tile + half * 16, a0, a1, b0, b1, c0, c1, d0, d1);
    }
    tile += TILE_BLOCK_HALVES;
    x += XQ4_BLOCK;
  }
  storeFourRows(op, row, panel, sums);
}

/** As `tileFourRows`, with six-bit codes as they lie in memory: each half of a block has a scale of its own. */
export function sixBitsFourRows(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32, sums: usize): void {
  const mask = i8x16.splat(63);
  memory.fill(sums, 0, 4 * ROW_SUMS);
  for (; blocks > 0; blocks--) {
    for (let half: usize = 0; half < 2; half++) {
      let a0 = startOfHalf(x, half);
      let b0 = startOfHalf(x + 4, half);
      let c0 = startOfHalf(x + 8, half);
      let d0 = startOfHalf(x + 12, half);
      let a1 = a0;
      let b1 = b0;
      let c1 = c0;
      let d1 = d0;
      let codes = w + 32 + half * 96;
      let at = x + half * 64;
      for (const end = codes + 48; codes < end; at += 16, codes += 16) {
        const w0 = v128.and(v128.load(codes), mask);
        const w1 = v128.and(v128.load(codes, 48), mask);
        const va = v128.load32_splat(at);
        const vb = v128.load32_splat(at, 4);
        const vc = v128.load32_splat(at, 8);
        const vd = v128.load32_splat(at, 12);
        a0 = dot4(va, w0, a0);
        a1 = dot4(va, w1, a1);
        b0 = dot4(vb, w0, b0);
        b1 = dot4(vb, w1, b1);
        c0 = dot4(vc, w0, c0);
        c1 = dot4(vc, w1, c1);
        d0 = dot4(vd, w0, d0);
        d1 = dot4(vd, w1, d1);
      }
      codes -= 48;
      const w0 = fourthOfSixBits(v128.load(codes), v128.load(codes, 16), v128.load(codes, 32));
      // Never true: this only keeps V8 from loading all before it computes, for which there are too few registers.
      if (!codes) break;
      const w1 = fourthOfSixBits(v128.load(codes, 48), v128.load(codes, 64), v128.load(codes, 80));
      if (!at) break;
      const va = v128.load32_splat(at);
      const vb = v128.load32_splat(at, 4);
      const vc = v128.load32_splat(at, 8);
      const vd = v128.load32_splat(at, 12);
      a0 = dot4(va, w0, a0);
      a1 = dot4(va, w1, a1);
      b0 = dot4(vb, w0, b0);
      b1 = dot4(vb, w1, b1);
      c0 = dot4(vc, w0, c0);
      c1 = dot4(vc, w1, c1);
      d0 = dot4(vd, w0, d0);
      d1 = dot4(vd, w1, d1);
      addFourRows(sums, x, w + half * 16, a0, a1, b0, b1, c0, c1, d0, d1);
    }
    w += 224;
    x += XQ4_BLOCK;
  }
  storeFourRows(op, row, panel, sums);
}

/** -32, the code of weight 0, times the sum of the activations of one half. */
// @ts-ignore: decorator
@inline
function startOfHalf(x: usize, half: usize): v128 {
  const low = load<i32>(x, XQ4_LOW_SUM);
  return i32x4.splat(-32 * (half ? load<i32>(x, XQ4_SUM) - low : low));
}
