/**
 * One row of 8-bit activations times a panel of 8 rows of weights as they lie in memory (tile.ts says how): codes are
 * unpacked in registers, so that a token reads each weight once. Sums within a block, or half a block with scales of its
 * own, are exact integers, and blocks are added in order: the bits are those of int8-tile.ts.
 */
import {
  F16_INPUT_SCALE,
  LAYOUT_IQ4,
  LAYOUT_Q4,
  LAYOUT_Q4_MIN,
  LAYOUT_Q4_MIN_SHORT,
  LAYOUT_Q4_SHORT,
  LAYOUT_Q5,
  LAYOUT_Q5_MIN,
  LAYOUT_Q6,
  XQ_BLOCK, XQ_LOW_SUM, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { dot4, dotPairs } from './dot';
import { store8 } from './epilogue';
import { madd, PLACED_HALF, placedHalf4 } from './math';
import { fourthOfSixBits, highFives, lookUp, lowFives, tableIQ4 } from './tile';
import { FIFTH_BITS, kept, NIBBLES, SIX_BITS } from './wide';

/** y + integers * weight scales * activation scale; scales come as bits in a float32's place, see linear-half.ts. @param half `kept(PLACED_HALF)` */
// @ts-ignore: decorator
@inline
export function addScaled(y: v128, integers: v128, halves: usize, scale: v128, half: v128): v128 {
  return madd(f32x4.convert_i32x4_s(integers), f32x4.mul(placedHalf4(v128.load16x4_s(halves), half), scale), y);
}

// @ts-ignore: decorator
@inline
export function storeScaled(op: usize, row: i32, panel: i32, low: v128, high: v128): void {
  const unscale = f32x4.splat(<f32>F16_INPUT_SCALE);
  store8(op, row, panel, f32x4.mul(low, unscale), f32x4.mul(high, unscale));
}

// @ts-ignore: decorator
@inline
export function dot(short: bool, a: v128, b: v128, sum: v128): v128 {
  return short ? dotPairs(a, b, sum) : dot4(a, b, sum);
}

// @ts-ignore: decorator
@inline
export function widened(short: bool, sum: v128, start: v128): v128 {
  return short ? i32x4.add(start, i32x4.extadd_pairwise_i16x8_s(sum)) : sum;
}

/** One lane in all four: cheaper than a load of its own where loads check their address. */
// @ts-ignore: decorator
@inline
export function lane(v: v128, index: i32): v128 {
  if (index == 0) return v128.shuffle<i32>(v, v, 0, 0, 0, 0);
  if (index == 1) return v128.shuffle<i32>(v, v, 1, 1, 1, 1);
  if (index == 2) return v128.shuffle<i32>(v, v, 2, 2, 2, 2);
  return v128.shuffle<i32>(v, v, 3, 3, 3, 3);
}

/** Zeros for `count` times 128 bytes of sums: `memory.fill` leaves V8's compiled code, which takes as long as a block. */
// @ts-ignore: decorator
@inline
export function clearSums(sums: usize, count: usize): void {
  const zero = i32x4.splat(0);
  for (const end = sums + count * 128; sums < end; sums += 128) {
    v128.store(sums, zero);
    v128.store(sums, zero, 16);
    v128.store(sums, zero, 32);
    v128.store(sums, zero, 48);
    v128.store(sums, zero, 64);
    v128.store(sums, zero, 80);
    v128.store(sums, zero, 96);
    v128.store(sums, zero, 112);
  }
}

/**
 * Nibbles of Q4, Q5 and IQ4.
 * @param five fifth bits follow the nibbles @param look nibbles choose from the 16 codes of `table` @param short sums of a
 * block are of 16 bits
 */
// @ts-ignore: decorator
@inline
export function rowNibbles(
  op: usize,
  x: usize,
  w: usize,
  blocks: i32,
  row: i32,
  panel: i32,
  zero: i32,
  min: bool,
  five: bool,
  look: bool,
  short: bool,
  table: v128,
): void {
  const mask = kept(NIBBLES);
  const bit = kept(FIFTH_BITS);
  const half = kept(PLACED_HALF);
  const shift = i32x4.splat(-zero);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    const start = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ_SUM), shift);
    let s0 = short ? i32x4.splat(0) : start;
    let s1 = s0;
    let codes = w + (min ? 32 : 16);
    let bits0 = five ? v128.load(codes, 128) : bit;
    let bits1 = five ? v128.load(codes, 144) : bit;
    for (const end = x + 16; x < end; x += 4, codes += 32) {
      const n0 = v128.load(codes);
      const n1 = v128.load(codes, 16);
      const low = v128.load32_splat(x);
      const high = v128.load32_splat(x, 16);
      let low0 = five ? lowFives(n0, bits0, mask, bit) : v128.and(n0, mask);
      let low1 = five ? lowFives(n1, bits1, mask, bit) : v128.and(n1, mask);
      let high0 = five ? highFives(n0, bits0, mask, bit) : v128.and(i16x8.shr_u(n0, 4), mask);
      let high1 = five ? highFives(n1, bits1, mask, bit) : v128.and(i16x8.shr_u(n1, 4), mask);
      if (five) {
        bits0 = i16x8.shr_u(bits0, 1);
        bits1 = i16x8.shr_u(bits1, 1);
      }
      if (look) {
        low0 = lookUp(table, low0);
        low1 = lookUp(table, low1);
        high0 = lookUp(table, high0);
        high1 = lookUp(table, high1);
      }
      s0 = dot(short, low, low0, s0);
      s1 = dot(short, low, low1, s1);
      s0 = dot(short, high, high0, s0);
      s1 = dot(short, high, high1, s1);
    }
    s0 = widened(short, s0, start);
    s1 = widened(short, s1, start);
    const scale = v128.load32_splat(x, XQ_SCALE - 16);
    y0 = addScaled(y0, s0, w, scale, half);
    y1 = addScaled(y1, s1, w + 8, scale, half);
    if (min) {
      const sum = v128.load32_splat(x, XQ_SCALED_SUM - 16);
      y0 = madd(placedHalf4(v128.load16x4_s(w, 16), half), sum, y0);
      y1 = madd(placedHalf4(v128.load16x4_s(w, 24), half), sum, y1);
    }
    w = codes + (five ? 32 : 0);
    x += XQ_BLOCK - 16;
  }
  storeScaled(op, row, panel, y0, y1);
}

export function rowQ8(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32, zero: i32): void {
  const shift = i32x4.splat(-zero);
  const half = kept(PLACED_HALF);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    let s0 = i32x4.mul(v128.load32_splat(x, XQ_SUM), shift);
    let s1 = s0;
    let codes = w + 16;
    for (const end = x + 32; x < end; x += 4, codes += 32) {
      const a = v128.load32_splat(x);
      s0 = dot4(a, v128.load(codes), s0);
      s1 = dot4(a, v128.load(codes, 16), s1);
    }
    const scale = v128.load32_splat(x, XQ_SCALE - 32);
    y0 = addScaled(y0, s0, w, scale, half);
    y1 = addScaled(y1, s1, w + 8, scale, half);
    w = codes;
    x += XQ_BLOCK - 32;
  }
  storeScaled(op, row, panel, y0, y1);
}

export function rowQ6(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  const mask = kept(SIX_BITS);
  const half = kept(PLACED_HALF);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    const scale = v128.load32_splat(x, XQ_SCALE);
    const low = i32x4.shl(v128.load32_splat(x, XQ_LOW_SUM), 5);
    const high = i32x4.sub(i32x4.shl(v128.load32_splat(x, XQ_SUM), 5), low);
    y0 = addScaled(y0, i32x4.sub(sixBits(x, w + 32, mask), low), w, scale, half);
    // Never true: it only keeps V8 from loading all before it computes, for which there are too few registers.
    if (!w) break;
    y1 = addScaled(y1, i32x4.sub(sixBits(x, w + 48, mask), low), w + 8, scale, half);
    if (!x) break;
    y0 = addScaled(y0, i32x4.sub(sixBits(x + 16, w + 128, mask), high), w + 16, scale, half);
    if (!blocks) break;
    y1 = addScaled(y1, i32x4.sub(sixBits(x + 16, w + 144, mask), high), w + 24, scale, half);
    w += 224;
    x += XQ_BLOCK;
  }
  storeScaled(op, row, panel, y0, y1);
}

/** 16 activations times 16 codes of each of four rows. @param mask `kept(SIX_BITS)` */
// @ts-ignore: decorator
@inline
export function sixBits(x: usize, codes: usize, mask: v128): v128 {
  const a = v128.load(codes);
  const b = v128.load(codes, 32);
  const c = v128.load(codes, 64);
  const s = dot4(v128.load32_splat(x), v128.and(a, mask), i32x4.splat(0));
  const t = dot4(v128.load32_splat(x, 4), v128.and(b, mask), s);
  const u = dot4(v128.load32_splat(x, 8), v128.and(c, mask), t);
  return dot4(v128.load32_splat(x, 12), fourthOfSixBits(a, b, c, mask), u);
}

/** One row and a panel of any layout. */
// @ts-ignore: decorator
@inline
export function oneRow(layout: i32, op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32, zero: i32): void {
  switch (layout) {
    case LAYOUT_Q4:
      rowQ4(op, x, w, blocks, row, panel);
      break;
    case LAYOUT_Q4_MIN:
      rowQ4Min(op, x, w, blocks, row, panel);
      break;
    case LAYOUT_Q4_SHORT:
      rowQ4Short(op, x, w, blocks, row, panel);
      break;
    case LAYOUT_Q4_MIN_SHORT:
      rowQ4MinShort(op, x, w, blocks, row, panel);
      break;
    case LAYOUT_Q5:
      rowQ5(op, x, w, blocks, row, panel);
      break;
    case LAYOUT_Q5_MIN:
      rowQ5Min(op, x, w, blocks, row, panel);
      break;
    case LAYOUT_Q6:
      rowQ6(op, x, w, blocks, row, panel);
      break;
    case LAYOUT_IQ4:
      rowIQ4(op, x, w, blocks, row, panel, zero);
      break;
    default:
      rowQ8(op, x, w, blocks, row, panel, zero);
  }
}

// Functions of their own: V8 gives each its registers.
function rowQ4(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, row, panel, 8, false, false, false, false, i8x16.splat(0));
}

function rowQ4Min(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, row, panel, 0, true, false, false, false, i8x16.splat(0));
}

function rowQ4Short(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, row, panel, 8, false, false, false, true, i8x16.splat(0));
}

function rowQ4MinShort(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, row, panel, 0, true, false, false, true, i8x16.splat(0));
}

function rowQ5(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, row, panel, 16, false, true, false, false, i8x16.splat(0));
}

function rowQ5Min(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32): void {
  rowNibbles(op, x, w, blocks, row, panel, 0, true, true, false, false, i8x16.splat(0));
}

function rowIQ4(op: usize, x: usize, w: usize, blocks: i32, row: i32, panel: i32, zero: i32): void {
  rowNibbles(op, x, w, blocks, row, panel, zero, false, false, true, false, tableIQ4(zero));
}
