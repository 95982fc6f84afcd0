/** One row of a packed matrix as float32: an embedding. Layouts are those of int8/codes.ts, half/linear.ts and float/linear.ts. */
import {
  LAYOUT_BF16,
  LAYOUT_F16,
  LAYOUT_F32,
  LAYOUT_Q8_SIGNED,
  OP_LAYOUT,
  OP_RAISED,
  OP_WIDTH,
  OP_ZERO,
} from '../../engine/executors/wasm/plan-layout';
import { half4 } from '../base/math';
import { panelBytesHalf } from '../half/linear';
import { blockBytes, hasHalves, hasMin, unpackTile } from '../int8/generated';

/** @param scratch memory for a tile of one block */
export function unpackRow(op: usize, table: usize, row: i32, y: usize, scratch: usize): void {
  const layout = load<i32>(op, OP_LAYOUT);
  const width = load<i32>(op, OP_WIDTH);
  const panel = <usize>(row >> 3);
  const lane = <usize>(row & 7);
  const factor = reinterpret<f32>((127 - load<i32>(op, OP_RAISED)) << 23);
  if (layout == LAYOUT_F32) {
    const at = table + panel * width * 32 + lane * 4;
    for (let i: usize = 0; i < <usize>width; i++) store<f32>(y + i * 4, load<f32>(at + i * 32));
  } else if (layout == LAYOUT_F16) {
    const at = table + panel * panelBytesHalf(width) + lane * 4;
    for (let i: usize = 0; i < <usize>width; i++)
      store<f32>(y + i * 4, half(at + (i >> 1) * 32 + (i & 1) * 2) * factor);
  } else if (layout == LAYOUT_BF16) {
    const at = table + panel * panelBytesHalf(width) + lane * 4;
    for (let i: usize = 0; i < <usize>width; i++)
      store<i32>(y + i * 4, (<i32>load<u16>(at + (i >> 1) * 32 + (i & 1) * 2)) << 16);
  } else {
    const blocks = <usize>(width >> 5);
    const bytes = blockBytes(layout);
    const at = table + panel * blocks * bytes;
    const zero = load<i32>(op, OP_ZERO);
    for (let b: usize = 0; b < blocks; b++) {
      unpackTile(layout, at + b * bytes, 1, scratch, zero);
      unpackBlock(layout, scratch, lane, zero, factor, y + b * 128);
    }
  }
}

function half(at: usize): f32 {
  return f32x4.extract_lane(half4(i32x4.splat(load<i16>(at))), 0);
}

function unpackBlock(layout: i32, tile: usize, lane: usize, zero: i32, factor: f32, y: usize): void {
  const min = hasMin(layout) ? half(tile + 16 + lane * 2) * factor : 0;
  const d = half(tile + lane * 2) * factor;
  const second = hasHalves(layout) ? half(tile + 16 + lane * 2) * factor : d;
  const codes = tile + (hasMin(layout) || hasHalves(layout) ? 32 : 16) + lane * 4;
  const signed = layout == LAYOUT_Q8_SIGNED || zero == 0;
  for (let i: usize = 0; i < 32; i++) {
    const at = codes + (i >> 2) * 32 + (i & 3);
    // Codes of layouts with minimums are below 128: their sign does not matter.
    const code = signed ? <i32>load<i8>(at) : <i32>load<u8>(at) - zero;
    store<f32>(y + i * 4, <f32>code * (i < 16 ? d : second) + min);
  }
}
