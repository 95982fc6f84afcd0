/**
 * Four rows of 8-bit activations times panels of 8 rows of weights, written as wide.ts says: the two vectors of a panel
 * become one. Sums within a block are exact integers and blocks are added in order: the bits are those of int8-tile.ts.
 */
import { dot4 } from './dot';
import { addTwoPanels } from './int8-sums-wide';
import { XQ4_BLOCK, XQ4_LOW_SUM, XQ4_SUM } from './quantize';
import { fourthOfSixBits, highFives, lowFives } from './tile';
import { FIFTH_BITS, kept, NIBBLES, SIX_BITS } from './wide';

/**
 * Adds the products of four rows and two panels to the `f32[2][4][8]` at `sums`. Eight sums are in flight, twice as many
 * as one panel would have: an addition waits five cycles for the one before.
 * @param step bytes from one tile to the next
 */
// @ts-ignore: decorator
@inline
export function tilesFourRows(x: usize, tile: usize, step: usize, blocks: i32, zero: i32, min: bool, sums: usize): void {
  const bytes: usize = min ? 288 : 272;
  for (; blocks > 0; blocks--) {
    // What is loaded is loaded, also where nobody wants it.
    const none = i32x4.splat(0);
    const a = min ? none : startOf(v128.load32_splat(x, XQ4_SUM), zero);
    const b = min ? none : startOf(v128.load32_splat(x, XQ4_SUM + 4), zero);
    const c = min ? none : startOf(v128.load32_splat(x, XQ4_SUM + 8), zero);
    const d = min ? none : startOf(v128.load32_splat(x, XQ4_SUM + 12), zero);
    addTiles(x, tile + (min ? 32 : 16), step, 8, tile, x, min, a, b, c, d, sums);
    tile += bytes;
    x += XQ4_BLOCK;
  }
}

/** As `tilesFourRows`, each half of a block with a scale of its own. @param packed six-bit codes as they lie in memory */
// @ts-ignore: decorator
@inline
export function halvesFourRows(x: usize, w: usize, step: usize, blocks: i32, packed: bool, sums: usize): void {
  for (; blocks > 0; blocks--) {
    const none = i32x4.splat(0);
    let a = i32x4.shl(v128.load32_splat(x, XQ4_LOW_SUM), 5);
    let b = i32x4.shl(v128.load32_splat(x, XQ4_LOW_SUM + 4), 5);
    let c = i32x4.shl(v128.load32_splat(x, XQ4_LOW_SUM + 8), 5);
    let d = i32x4.shl(v128.load32_splat(x, XQ4_LOW_SUM + 12), 5);
    addHalf(x, w + 32, step, w, x, packed, i32x4.sub(none, a), i32x4.sub(none, b), i32x4.sub(none, c), i32x4.sub(none, d), sums);
    a = i32x4.sub(a, i32x4.shl(v128.load32_splat(x, XQ4_SUM), 5));
    b = i32x4.sub(b, i32x4.shl(v128.load32_splat(x, XQ4_SUM + 4), 5));
    c = i32x4.sub(c, i32x4.shl(v128.load32_splat(x, XQ4_SUM + 8), 5));
    d = i32x4.sub(d, i32x4.shl(v128.load32_splat(x, XQ4_SUM + 12), 5));
    addHalf(x + 64, w + (packed ? 128 : 160), step, w + 16, x, packed, a, b, c, d, sums);
    w += packed ? 224 : 288;
    x += XQ4_BLOCK;
  }
}

// @ts-ignore: decorator
@inline
function addHalf(
  x: usize,
  codes: usize,
  step: usize,
  halves: usize,
  block: usize,
  packed: bool,
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  sums: usize,
): void {
  if (packed) addSixBits(x, codes, step, halves, block, a, b, c, d, sums);
  else addTiles(x, codes, step, 4, halves, block, false, a, b, c, d, sums);
}

// @ts-ignore: decorator
@inline
function addSixBits(
  x: usize,
  codes: usize,
  step: usize,
  halves: usize,
  block: usize,
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  sums: usize,
): void {
  const mask = kept(SIX_BITS);
  let a0 = a;
  let a1 = a;
  let a2 = a;
  let a3 = a;
  let b0 = b;
  let b1 = b;
  let b2 = b;
  let b3 = b;
  let c0 = c;
  let c1 = c;
  let c2 = c;
  let c3 = c;
  let d0 = d;
  let d1 = d;
  let d2 = d;
  let d3 = d;
  let others = codes + step;
  let v: v128;
  for (const end = x + 48; x < end; x += 16, codes += 32, others += 32) {
    const w0 = v128.and(v128.load(codes), mask);
    const w1 = v128.and(v128.load(codes, 16), mask);
    const w2 = v128.and(v128.load(others), mask);
    const w3 = v128.and(v128.load(others, 16), mask);
    v = v128.load32_splat(x);
    a0 = dot4(v, w0, a0);
    a1 = dot4(v, w1, a1);
    a2 = dot4(v, w2, a2);
    a3 = dot4(v, w3, a3);
    v = v128.load32_splat(x, 4);
    b0 = dot4(v, w0, b0);
    b1 = dot4(v, w1, b1);
    b2 = dot4(v, w2, b2);
    b3 = dot4(v, w3, b3);
    v = v128.load32_splat(x, 8);
    c0 = dot4(v, w0, c0);
    c1 = dot4(v, w1, c1);
    c2 = dot4(v, w2, c2);
    c3 = dot4(v, w3, c3);
    v = v128.load32_splat(x, 12);
    d0 = dot4(v, w0, d0);
    d1 = dot4(v, w1, d1);
    d2 = dot4(v, w2, d2);
    d3 = dot4(v, w3, d3);
  }
  codes -= 96;
  others -= 96;
  const w0 = fourthOfSixBits(v128.load(codes), v128.load(codes, 32), v128.load(codes, 64), mask);
  const w1 = fourthOfSixBits(v128.load(codes, 16), v128.load(codes, 48), v128.load(codes, 80), mask);
  const w2 = fourthOfSixBits(v128.load(others), v128.load(others, 32), v128.load(others, 64), mask);
  const w3 = fourthOfSixBits(v128.load(others, 16), v128.load(others, 48), v128.load(others, 80), mask);
  v = v128.load32_splat(x);
  a0 = dot4(v, w0, a0);
  a1 = dot4(v, w1, a1);
  a2 = dot4(v, w2, a2);
  a3 = dot4(v, w3, a3);
  v = v128.load32_splat(x, 4);
  b0 = dot4(v, w0, b0);
  b1 = dot4(v, w1, b1);
  b2 = dot4(v, w2, b2);
  b3 = dot4(v, w3, b3);
  v = v128.load32_splat(x, 8);
  c0 = dot4(v, w0, c0);
  c1 = dot4(v, w1, c1);
  c2 = dot4(v, w2, c2);
  c3 = dot4(v, w3, c3);
  v = v128.load32_splat(x, 12);
  d0 = dot4(v, w0, d0);
  d1 = dot4(v, w1, d1);
  d2 = dot4(v, w2, d2);
  d3 = dot4(v, w3, d3);
  addTwoPanels(sums, block, halves, step, false, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3);
}

/** As `tilesFourRows`, with nibbles as they lie in memory. @param five fifth bits follow those of a block, see int8-fives-wide.ts */
// @ts-ignore: decorator
@inline
export function nibblesTwoPanels(x: usize, w: usize, step: usize, blocks: i32, zero: i32, min: bool, five: bool, sums: usize): void {
  const bytes: usize = (min ? 160 : 144) + (five ? 32 : 0);
  for (; blocks > 0; blocks--) {
    // What is loaded is loaded, also where nobody wants it.
    const none = i32x4.splat(0);
    const a = min ? none : startOf(v128.load32_splat(x, XQ4_SUM), zero);
    const b = min ? none : startOf(v128.load32_splat(x, XQ4_SUM + 4), zero);
    const c = min ? none : startOf(v128.load32_splat(x, XQ4_SUM + 8), zero);
    const d = min ? none : startOf(v128.load32_splat(x, XQ4_SUM + 12), zero);
    addNibbles(x, w + (min ? 32 : 16), step, w, min, five, a, b, c, d, sums);
    w += bytes;
    x += XQ4_BLOCK;
  }
}

// @ts-ignore: decorator
@inline
function addNibbles(
  x: usize,
  codes: usize,
  step: usize,
  halves: usize,
  min: bool,
  five: bool,
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  sums: usize,
): void {
  const mask = kept(NIBBLES);
  const bit = kept(FIFTH_BITS);
  const block = x;
  let a0 = a;
  let a1 = a;
  let a2 = a;
  let a3 = a;
  let b0 = b;
  let b1 = b;
  let b2 = b;
  let b3 = b;
  let c0 = c;
  let c1 = c;
  let c2 = c;
  let c3 = c;
  let d0 = d;
  let d1 = d;
  let d2 = d;
  let d3 = d;
  let others = codes + step;
  let f0 = five ? v128.load(codes, 128) : bit;
  let f1 = five ? v128.load(codes, 144) : bit;
  let f2 = five ? v128.load(others, 128) : bit;
  let f3 = five ? v128.load(others, 144) : bit;
  for (const end = x + 64; x < end; x += 16, codes += 32, others += 32) {
    const n0 = v128.load(codes);
    const n1 = v128.load(codes, 16);
    const n2 = v128.load(others);
    const n3 = v128.load(others, 16);
    let w0 = five ? lowFives(n0, f0, mask, bit) : v128.and(n0, mask);
    let w1 = five ? lowFives(n1, f1, mask, bit) : v128.and(n1, mask);
    let w2 = five ? lowFives(n2, f2, mask, bit) : v128.and(n2, mask);
    let w3 = five ? lowFives(n3, f3, mask, bit) : v128.and(n3, mask);
    let v: v128;
    v = v128.load32_splat(x);
    a0 = dot4(v, w0, a0);
    a1 = dot4(v, w1, a1);
    a2 = dot4(v, w2, a2);
    a3 = dot4(v, w3, a3);
    v = v128.load32_splat(x, 4);
    b0 = dot4(v, w0, b0);
    b1 = dot4(v, w1, b1);
    b2 = dot4(v, w2, b2);
    b3 = dot4(v, w3, b3);
    v = v128.load32_splat(x, 8);
    c0 = dot4(v, w0, c0);
    c1 = dot4(v, w1, c1);
    c2 = dot4(v, w2, c2);
    c3 = dot4(v, w3, c3);
    v = v128.load32_splat(x, 12);
    d0 = dot4(v, w0, d0);
    d1 = dot4(v, w1, d1);
    d2 = dot4(v, w2, d2);
    d3 = dot4(v, w3, d3);
    w0 = five ? highFives(n0, f0, mask, bit) : v128.and(i16x8.shr_u(n0, 4), mask);
    w1 = five ? highFives(n1, f1, mask, bit) : v128.and(i16x8.shr_u(n1, 4), mask);
    w2 = five ? highFives(n2, f2, mask, bit) : v128.and(i16x8.shr_u(n2, 4), mask);
    w3 = five ? highFives(n3, f3, mask, bit) : v128.and(i16x8.shr_u(n3, 4), mask);
    if (five) {
      f0 = i16x8.shr_u(f0, 1);
      f1 = i16x8.shr_u(f1, 1);
      f2 = i16x8.shr_u(f2, 1);
      f3 = i16x8.shr_u(f3, 1);
    }
    v = v128.load32_splat(x, 64);
    a0 = dot4(v, w0, a0);
    a1 = dot4(v, w1, a1);
    a2 = dot4(v, w2, a2);
    a3 = dot4(v, w3, a3);
    v = v128.load32_splat(x, 68);
    b0 = dot4(v, w0, b0);
    b1 = dot4(v, w1, b1);
    b2 = dot4(v, w2, b2);
    b3 = dot4(v, w3, b3);
    v = v128.load32_splat(x, 72);
    c0 = dot4(v, w0, c0);
    c1 = dot4(v, w1, c1);
    c2 = dot4(v, w2, c2);
    c3 = dot4(v, w3, c3);
    v = v128.load32_splat(x, 76);
    d0 = dot4(v, w0, d0);
    d1 = dot4(v, w1, d1);
    d2 = dot4(v, w2, d2);
    d3 = dot4(v, w3, d3);
  }
  addTwoPanels(sums, block, halves, step, min, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3);
}

// @ts-ignore: decorator
@inline
function startOf(sum: v128, zero: i32): v128 {
  return i32x4.mul(sum, i32x4.splat(-zero));
}

/**
 * @param x codes of the activations @param codes of the first panel @param steps of four inputs @param halves scales of
 * the first panel @param block of the activations
 */
// @ts-ignore: decorator
@inline
function addTiles(
  x: usize,
  codes: usize,
  step: usize,
  steps: usize,
  halves: usize,
  block: usize,
  min: bool,
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  sums: usize,
): void {
  let a0 = a;
  let a1 = a;
  let a2 = a;
  let a3 = a;
  let b0 = b;
  let b1 = b;
  let b2 = b;
  let b3 = b;
  let c0 = c;
  let c1 = c;
  let c2 = c;
  let c3 = c;
  let d0 = d;
  let d1 = d;
  let d2 = d;
  let d3 = d;
  let others = codes + step;
  for (const end = x + steps * 16; x < end; x += 16, codes += 32, others += 32) {
    const w0 = v128.load(codes);
    const w1 = v128.load(codes, 16);
    const w2 = v128.load(others);
    const w3 = v128.load(others, 16);
    let v = v128.load32_splat(x);
    a0 = dot4(v, w0, a0);
    a1 = dot4(v, w1, a1);
    a2 = dot4(v, w2, a2);
    a3 = dot4(v, w3, a3);
    v = v128.load32_splat(x, 4);
    b0 = dot4(v, w0, b0);
    b1 = dot4(v, w1, b1);
    b2 = dot4(v, w2, b2);
    b3 = dot4(v, w3, b3);
    v = v128.load32_splat(x, 8);
    c0 = dot4(v, w0, c0);
    c1 = dot4(v, w1, c1);
    c2 = dot4(v, w2, c2);
    c3 = dot4(v, w3, c3);
    v = v128.load32_splat(x, 12);
    d0 = dot4(v, w0, d0);
    d1 = dot4(v, w1, d1);
    d2 = dot4(v, w2, d2);
    d3 = dot4(v, w3, d3);
  }
  addTwoPanels(sums, block, halves, step, min, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3);
}
