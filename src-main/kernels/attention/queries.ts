/** Queries of a block, as the kernels take them. */
import { F16_INPUT_SCALE, OP_HEAD_DIM, OP_X, OP_X_STRIDE } from '../../engine/executors/wasm/plan-layout';
import { clearVectors, copyVectors } from '../base/copy';
import { QUERY_GROUP } from './vectors';

/** Queries at most for which binary16 is converted where it is used, and not once for all into a tile. */
export const FEW_QUERIES: i32 = 4;

/** Queries of a block, one after the other, filled up with zeros. */
export function gatherQueries(
  op: usize,
  firstRow: i32,
  rows: i32,
  firstHead: i32,
  group: i32,
  half: bool,
  to: usize,
  width: usize,
): void {
  const headBytes = <usize>load<i32>(op, OP_HEAD_DIM) * 4;
  const scale = f32x4.splat(half ? <f32>F16_INPUT_SCALE : 1);
  for (let row = firstRow; row < firstRow + rows; row++) {
    let from = <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE) + <usize>firstHead * headBytes;
    for (let h = 0; h < group; h++, from += headBytes, to += width) {
      if (headBytes < width) clearVectors(to + width - 64, 64);
      if (headBytes & 15) memory.copy(to, from, headBytes);
      else copyVectors(to, from, headBytes);
      if (half) for (let i: usize = 0; i < width; i += 16) v128.store(to + i, f32x4.mul(v128.load(to + i), scale));
    }
  }
}

/** As `scoreWide` takes them. @param row memory for one */
export function spreadQueries(
  op: usize,
  firstRow: i32,
  rows: i32,
  firstHead: i32,
  group: i32,
  half: bool,
  to: usize,
  width: usize,
  row: usize,
): void {
  const queries = rows * group;
  for (let j = 0; j < queries; j++) {
    gatherQueries(op, firstRow + j / group, 1, firstHead + (j % group), 1, half, row, width);
    spreadQuery(row, to, j, queries, queries <= FEW_QUERIES, width);
  }
}

/** Puts query `j` of `count`, of which there are `few` or not, in its place. */
function spreadQuery(from: usize, q: usize, j: i32, count: i32, few: bool, width: usize): void {
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
