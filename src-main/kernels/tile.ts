/**
 * Integer layouts of weights and how each becomes the tile of int8-tile.ts. All lie in panels of 8 rows, cut into blocks of
 * 32 inputs, which begin with `f16 d[8]`, the scale of each row, then:
 *
 *     Q8       u8 codes[8][8][4]: the tile itself, plus 128 where the machine's dot product takes unsigned codes
 *     Q4       u8 nibbles[4][8][4]: low nibble input 4j + i, high nibble input 16 + 4j + i; a weight is (q - 8) d
 *     Q4_MIN   f16 m[8], nibbles: q d + m
 *     Q5       nibbles, u8 high[8][4]: bit j is the fifth bit of input 4j + i: (q - 16) d
 *     Q5_MIN   f16 m[8], nibbles, high: q d + m
 *     Q6       f16 d[8] of the second half, u8 codes[2][3][8][4]: [half][j], the codes of inputs 4j + i for j of 0..2, and
 *              in their high bits two bits each of the fourth's: (q - 32) d
 *     IQ4      nibbles: indices of a table of 16 values
 */
import {
  LAYOUT_IQ4,
  LAYOUT_Q4,
  LAYOUT_Q4_MIN,
  LAYOUT_Q4_MIN_SHORT,
  LAYOUT_Q4_SHORT,
  LAYOUT_Q5,
  LAYOUT_Q5_MIN,
  LAYOUT_Q6,
  LAYOUT_Q8,
  LAYOUT_Q8_SIGNED,
} from '../engine/executors/wasm/plan-layout';
import { FIFTH_BITS, kept, NIBBLES, SIX_BITS } from './wide';

/** Bytes of a block of a tile, as int8-tile.ts describes it: with a scale for each row, a minimum too, or one for each half. */
export const TILE_BLOCK: usize = 272;
export const TILE_BLOCK_MIN: usize = 288;
export const TILE_BLOCK_HALVES: usize = 288;

/** Bytes of a block as it lies in memory. */
export function blockBytes(layout: i32): usize {
  if (layout == LAYOUT_Q4 || layout == LAYOUT_Q4_SHORT || layout == LAYOUT_IQ4) return 144;
  if (layout == LAYOUT_Q4_MIN || layout == LAYOUT_Q4_MIN_SHORT) return 160;
  if (layout == LAYOUT_Q5) return 176;
  if (layout == LAYOUT_Q5_MIN) return 192;
  if (layout == LAYOUT_Q6) return 224;
  return TILE_BLOCK;
}

/** Bytes of a block of its tile. */
export function tileBlockBytes(layout: i32): usize {
  if (layout == LAYOUT_Q6) return TILE_BLOCK_HALVES;
  return hasMin(layout) ? TILE_BLOCK_MIN : TILE_BLOCK;
}

// @ts-ignore: decorator
@inline
export function hasMin(layout: i32): bool {
  return layout == LAYOUT_Q4_MIN || layout == LAYOUT_Q4_MIN_SHORT || layout == LAYOUT_Q5_MIN;
}

/**
 * `blocks` blocks at `from` as a tile at `to`. Q8 is one already.
 * @param zero code of weight 0
 */
export function unpackTile(layout: i32, from: usize, blocks: i32, to: usize, zero: i32): void {
  switch (layout) {
    case LAYOUT_Q4:
    case LAYOUT_Q4_SHORT:
      unpack(from, blocks, to, 16, false);
      break;
    case LAYOUT_Q4_MIN:
    case LAYOUT_Q4_MIN_SHORT:
      unpack(from, blocks, to, 32, false);
      break;
    case LAYOUT_Q5:
      unpack(from, blocks, to, 16, true);
      break;
    case LAYOUT_Q5_MIN:
      unpack(from, blocks, to, 32, true);
      break;
    case LAYOUT_Q6:
      unpackSixBits(from, blocks, to);
      break;
    case LAYOUT_IQ4:
      unpackIQ4(from, blocks, to, zero);
      break;
    case LAYOUT_Q8:
    case LAYOUT_Q8_SIGNED:
      memory.copy(to, from, <usize>blocks * TILE_BLOCK);
      break;
    default:
      unreachable();
  }
}

/**
 * Five-bit codes of low nibbles: of a byte of `bits`, bit 0 is the fifth of the low one and bit 4 of the high one.
 * @param mask NIBBLES in each lane @param bit FIFTH_BITS
 */
// @ts-ignore: decorator
@inline
export function lowFives(nibbles: v128, bits: v128, mask: v128, bit: v128): v128 {
  return v128.or(v128.and(nibbles, mask), v128.and(i16x8.shl(bits, 4), bit));
}

// @ts-ignore: decorator
@inline
export function highFives(nibbles: v128, bits: v128, mask: v128, bit: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(nibbles, 4), mask), v128.and(bits, bit));
}

/** @param head bytes of scales and minimums @param five fifth bits follow the nibbles */
// @ts-ignore: decorator
@inline
function unpack(from: usize, blocks: i32, to: usize, head: usize, five: bool): void {
  const mask = kept(NIBBLES);
  const bit = kept(FIFTH_BITS);
  for (; blocks > 0; blocks--) {
    v128.store(to, v128.load(from));
    if (head == 32) v128.store(to, v128.load(from, 16), 16);
    from += head;
    to += head;
    let bits0 = five ? v128.load(from, 128) : bit;
    let bits1 = five ? v128.load(from, 144) : bit;
    for (const end = from + 128; from < end; from += 32, to += 32) {
      const n0 = v128.load(from);
      const n1 = v128.load(from, 16);
      const low0 = five ? lowFives(n0, bits0, mask, bit) : v128.and(n0, mask);
      const low1 = five ? lowFives(n1, bits1, mask, bit) : v128.and(n1, mask);
      const high0 = five ? highFives(n0, bits0, mask, bit) : v128.and(i16x8.shr_u(n0, 4), mask);
      const high1 = five ? highFives(n1, bits1, mask, bit) : v128.and(i16x8.shr_u(n1, 4), mask);
      if (five) {
        bits0 = i16x8.shr_u(bits0, 1);
        bits1 = i16x8.shr_u(bits1, 1);
      }
      v128.store(to, low0);
      v128.store(to, low1, 16);
      v128.store(to, high0, 128);
      v128.store(to, high1, 144);
    }
    if (five) from += 32;
    to += 128;
  }
}

function unpackSixBits(from: usize, blocks: i32, to: usize): void {
  const mask = kept(SIX_BITS);
  for (; blocks > 0; blocks--) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    from += 32;
    to += 32;
    // Two halves of each four rows.
    for (let i: usize = 0; i < 4; i++) {
      const codes = from + (i >> 1) * 96 + (i & 1) * 16;
      const at = to + (i >> 1) * 128 + (i & 1) * 16;
      const a = v128.load(codes);
      const b = v128.load(codes, 32);
      const c = v128.load(codes, 64);
      v128.store(at, v128.and(a, mask));
      v128.store(at, v128.and(b, mask), 32);
      v128.store(at, v128.and(c, mask), 64);
      v128.store(at, fourthOfSixBits(a, b, c, mask), 96);
    }
    from += 192;
    to += 256;
  }
}

/** Of each byte of `indices`, all below 16, the byte of the table: one instruction instead of two where relaxed SIMD is there. */
// @ts-ignore: decorator
@inline
export function lookUp(table: v128, indices: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, indices) : i8x16.swizzle(table, indices);
}

/**
 * IQ4_NL's values (ggml-common.h, kvalues_iq4nl), as codes of the dot product.
 * @param zero code of weight 0
 */
// @ts-ignore: decorator
@inline
export function tableIQ4(zero: i32): v128 {
  return i8x16.add(
    i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),
    i8x16.splat(<i8>zero),
  );
}

function unpackIQ4(from: usize, blocks: i32, to: usize, zero: i32): void {
  const mask = kept(NIBBLES);
  const table = tableIQ4(zero);
  for (; blocks > 0; blocks--) {
    v128.store(to, v128.load(from));
    for (let i: usize = 0; i < 128; i += 16) {
      const nibbles = v128.load(from + i, 16);
      v128.store(to + i, lookUp(table, v128.and(nibbles, mask)), 16);
      v128.store(to + i, lookUp(table, v128.and(i16x8.shr_u(nibbles, 4), mask)), 16 + 128);
    }
    from += 144;
    to += TILE_BLOCK;
  }
}

/** What the two high bits of three vectors of six-bit codes make together: a fourth one. @param mask SIX_BITS in each lane */
// @ts-ignore: decorator
@inline
export function fourthOfSixBits(a: v128, b: v128, c: v128, mask: v128): v128 {
  const low = i16x8.shr_u(v128.andnot(a, mask), 6);
  const middle = i16x8.shr_u(v128.andnot(b, mask), 4);
  return v128.or(v128.or(low, middle), i16x8.shr_u(v128.andnot(c, mask), 2));
}
