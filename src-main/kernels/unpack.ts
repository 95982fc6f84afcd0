/** One row of a packed matrix as float32: an embedding. Layouts are those of linear-*.ts. */
import { LAYOUT_F16, LAYOUT_F32, LAYOUT_Q4, LAYOUT_Q4_MIN, LAYOUT_Q8 } from '../engine/executors/wasm/plan-layout';
import { half4 } from './math';

export function unpackRow(table: usize, layout: i32, width: i32, row: i32, y: usize): void {
  const panel = <usize>(row >> 3);
  const lane = <usize>(row & 7);
  const blocks = width >> 5;
  if (layout == LAYOUT_F32) {
    const at = table + panel * width * 32 + lane * 4;
    for (let i: usize = 0; i < <usize>width; i++) store<f32>(y + i * 4, load<f32>(at + i * 32));
  } else if (layout == LAYOUT_F16) {
    const at = table + panel * width * 16 + lane * 2;
    for (let i: usize = 0; i < <usize>width; i++) store<f32>(y + i * 4, half(at + i * 16));
  } else if (layout == LAYOUT_Q8) {
    const at = table + panel * blocks * 272;
    for (let b = 0; b < blocks; b++) unpackQ8(at + b * 272, lane, y + b * 128);
  } else if (layout == LAYOUT_Q4) {
    const at = table + panel * blocks * 144;
    for (let b = 0; b < blocks; b++) unpackQ4(at + b * 144, at + b * 144 + 16, lane, -8 * half(at + b * 144 + lane * 2), y + b * 128);
  } else if (layout == LAYOUT_Q4_MIN) {
    const at = table + panel * blocks * 160;
    for (let b = 0; b < blocks; b++) unpackQ4(at + b * 160, at + b * 160 + 32, lane, half(at + b * 160 + 16 + lane * 2), y + b * 128);
  }
}

function half(at: usize): f32 {
  return f32x4.extract_lane(half4(i32x4.splat(load<i16>(at))), 0);
}

function unpackQ8(block: usize, lane: usize, y: usize): void {
  const d = half(block + lane * 2);
  for (let i: usize = 0; i < 32; i++) {
    store<f32>(y + i * 4, <f32>load<i8>(block + 16 + (i >> 2) * 32 + lane * 4 + (i & 3)) * d);
  }
}

function unpackQ4(block: usize, codes: usize, lane: usize, min: f32, y: usize): void {
  const d = half(block + lane * 2);
  for (let i: usize = 0; i < 16; i++) {
    const code = load<u8>(codes + (i >> 2) * 32 + lane * 4 + (i & 3));
    store<f32>(y + i * 4, <f32>(code & 15) * d + min);
    store<f32>(y + 64 + i * 4, <f32>(code >> 4) * d + min);
  }
}
