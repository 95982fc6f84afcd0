/**
 * One row of 8-bit activations times 4-bit weights as they lie in memory: panels of 8 rows, cut into blocks of 32 inputs:
 *
 *     f16 d[8]            scale of each row
 *     f16 m[8]            minimum of each row, only with minimums (Q4_1, Q4_K)
 *     u8  codes[4][8][4]  [j][row][i]: low nibble input 4j + i, high nibble input 16 + 4j + i
 *
 * A weight is (q - 8) d, or q d + m. Sums within a block are exact integers.
 */
import { dot4 } from './dot';
import { store8 } from './epilogue';
import { XQ_BLOCK, XQ_SCALE, XQ_SCALED_SUM, XQ_SUM } from '../engine/executors/wasm/plan-layout';
import { half4, madd } from './math';

export const Q4_BLOCK: usize = 144;
export const Q4_MIN_BLOCK: usize = 160;

// @ts-ignore: decorator
@inline
export function rowQ4(op: usize, x: usize, w: usize, blocks: i32, panel: i32, min: bool): void {
  const mask = i8x16.splat(15);
  const shift = i32x4.splat(-8);
  let y0 = f32x4.splat(0);
  let y1 = y0;
  for (; blocks > 0; blocks--) {
    let codes = w + (min ? 32 : 16);
    let s0 = min ? i32x4.splat(0) : i32x4.mul(v128.load32_splat(x, XQ_SUM), shift);
    let s1 = s0;
    for (const end = x + 16; x < end; x += 4, codes += 32) {
      const w0 = v128.load(codes);
      const w1 = v128.load(codes, 16);
      const low = v128.load32_splat(x);
      const high = v128.load32_splat(x, 16);
      s0 = dot4(low, v128.and(w0, mask), s0);
      s1 = dot4(low, v128.and(w1, mask), s1);
      s0 = dot4(high, v128.and(i16x8.shr_u(w0, 4), mask), s0);
      s1 = dot4(high, v128.and(i16x8.shr_u(w1, 4), mask), s1);
    }
    const scale = v128.load32_splat(x, XQ_SCALE - 16);
    y0 = madd(f32x4.convert_i32x4_s(s0), f32x4.mul(half4(v128.load16x4_s(w)), scale), y0);
    y1 = madd(f32x4.convert_i32x4_s(s1), f32x4.mul(half4(v128.load16x4_s(w, 8)), scale), y1);
    if (min) {
      const sum = v128.load32_splat(x, XQ_SCALED_SUM - 16);
      y0 = madd(half4(v128.load16x4_s(w, 16)), sum, y0);
      y1 = madd(half4(v128.load16x4_s(w, 24)), sum, y1);
    }
    w += min ? Q4_MIN_BLOCK : Q4_BLOCK;
    x += XQ_BLOCK - 16;
  }
  store8(op, 0, panel, y0, y1);
}
