/**
 * Integer layouts of weights and how each becomes the tile of int8-tile.ts. All lie in panels of 8 rows, cut into blocks of
 * 32 inputs, which begin with `f16 d[8]`, the scale of each row, then:
 *
 *     Q8       u8 codes[8][8][4]: the tile itself, plus 128 where the machine's dot product takes unsigned codes
 *     Q4       u8 nibbles[4][8][4]: low nibble input 4j + i, high nibble input 16 + 4j + i; a weight is (q - 8) d
 *     Q4_MIN   f16 m[8], nibbles: q d + m
 *     Q5       nibbles, u8 high[8][4]: bit j is the fifth bit of input 4j + i: (q - 16) d
 *     Q5_MIN   f16 m[8], nibbles, high: q d + m
 *     Q6       f16 d[8] of the second half, nibbles, u8 high[2][2][4][4]: [row / 4][j / 4], bits 2 (j % 4) and one more:
 *              (q - 32) d
 *     IQ4      nibbles: indices of a table of 16 values
 */
import {
  LAYOUT_IQ4,
  LAYOUT_Q4,
  LAYOUT_Q4_MIN,
  LAYOUT_Q5,
  LAYOUT_Q5_MIN,
  LAYOUT_Q6,
  LAYOUT_Q8,
  LAYOUT_Q8_SIGNED,
} from '../engine/executors/wasm/plan-layout';
import { TILE_BLOCK, TILE_BLOCK_HALVES, TILE_BLOCK_MIN } from './int8-tile';

/** Bytes of a block as it lies in memory. */
export function blockBytes(layout: i32): usize {
  if (layout == LAYOUT_Q4 || layout == LAYOUT_IQ4) return 144;
  if (layout == LAYOUT_Q4_MIN) return 160;
  if (layout == LAYOUT_Q5) return 176;
  if (layout == LAYOUT_Q5_MIN) return 192;
  if (layout == LAYOUT_Q6) return 224;
  return TILE_BLOCK;
}

export function tileBytes(layout: i32): usize {
  if (hasMin(layout)) return TILE_BLOCK_MIN;
  return layout == LAYOUT_Q6 ? TILE_BLOCK_HALVES : TILE_BLOCK;
}

// @ts-ignore: decorator
@inline
export function hasMin(layout: i32): bool {
  return layout == LAYOUT_Q4_MIN || layout == LAYOUT_Q5_MIN;
}

/**
 * `blocks` blocks at `from` as a tile at `to`. Q8 is one already.
 * @param zero code of weight 0
 */
export function unpackTile(layout: i32, from: usize, blocks: i32, to: usize, zero: i32): void {
  switch (layout) {
    case LAYOUT_Q4:
      unpack(from, blocks, to, 16, 0);
      break;
    case LAYOUT_Q4_MIN:
      unpack(from, blocks, to, 32, 0);
      break;
    case LAYOUT_Q5:
      unpack(from, blocks, to, 16, 1);
      break;
    case LAYOUT_Q5_MIN:
      unpack(from, blocks, to, 32, 1);
      break;
    case LAYOUT_Q6:
      unpack(from, blocks, to, 32, 2);
      break;
    case LAYOUT_IQ4:
      lookUp(from, blocks, to, zero);
      break;
    case LAYOUT_Q8:
    case LAYOUT_Q8_SIGNED:
      memory.copy(to, from, <usize>blocks * TILE_BLOCK);
      break;
    default:
      unreachable();
  }
}

/** @param head bytes of scales and minimums @param highBits of each code beside its nibble: 0, 1 or 2 */
// @ts-ignore: decorator
@inline
function unpack(from: usize, blocks: i32, to: usize, head: usize, highBits: i32): void {
  const mask = i8x16.splat(15);
  for (; blocks > 0; blocks--) {
    v128.store(to, v128.load(from));
    if (head == 32) v128.store(to, v128.load(from, 16), 16);
    from += head;
    to += head;
    const high = from + 128;
    for (let j: usize = 0; j < 4; j++) {
      for (let part: usize = 0; part < 2; part++) {
        const nibbles = v128.load(from + j * 32 + part * 16);
        let low = v128.and(nibbles, mask);
        let up = v128.and(i16x8.shr_u(nibbles, 4), mask);
        if (highBits == 1) {
          const bits = v128.load(high + part * 16);
          low = v128.or(low, v128.and(i16x8.shl(bits, 4 - <i32>j), i8x16.splat(16)));
          up = v128.or(up, v128.and(i16x8.shr_u(bits, <i32>j), i8x16.splat(16)));
        } else if (highBits == 2) {
          const first = i16x8.shl(i16x8.shr_u(v128.load(high + part * 32), 2 * <i32>j), 4);
          const second = i16x8.shl(i16x8.shr_u(v128.load(high + part * 32, 16), 2 * <i32>j), 4);
          low = v128.or(low, v128.and(first, i8x16.splat(48)));
          up = v128.or(up, v128.and(second, i8x16.splat(48)));
        }
        v128.store(to + j * 32 + part * 16, low);
        v128.store(to + j * 32 + part * 16, up, 128);
      }
    }
    from += 128 + 32 * highBits;
    to += 256;
  }
}

/** IQ4_NL's values (ggml-common.h, kvalues_iq4nl), as codes of the dot product. */
function lookUp(from: usize, blocks: i32, to: usize, zero: i32): void {
  const mask = i8x16.splat(15);
  const values = i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  const table = i8x16.add(values, i8x16.splat(<i8>zero));
  for (; blocks > 0; blocks--) {
    v128.store(to, v128.load(from));
    for (let i: usize = 0; i < 128; i += 16) {
      const nibbles = v128.load(from + i, 16);
      v128.store(to + i, i8x16.swizzle(table, v128.and(nibbles, mask)), 16);
      v128.store(to + i, i8x16.swizzle(table, v128.and(i16x8.shr_u(nibbles, 4), mask)), 16 + 128);
    }
    from += 144;
    to += TILE_BLOCK;
  }
}
