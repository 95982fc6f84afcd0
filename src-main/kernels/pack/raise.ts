/**
 * A binary16 below 2^-14 is subnormal, and so is the float32 that its bits are moved into. Processors of Intel multiply
 * such a number a hundred times slower, and one of 400 weights that vary by 0.02 is so small. So the binary16 numbers of a
 * matrix, its weights or their scales and minimums, are stored times 2^RAISED_BY, which makes all of them normal; the
 * outputs leave divided by it (`unscaleOf`). Both are exact.
 */
import { LAYOUT_F16, RAISED_BY } from '../../engine/executors/wasm/plan-layout';
import { panelBytesHalf } from '../half/linear';
import { blockBytes, hasHalves, hasMin } from '../int8/generated';

const SIGN: i32 = 0x8000;
const MAGNITUDE: i32 = 0x7fff;
/** Bits of the smallest normal binary16. */
const NORMAL: i32 = 0x400;
/** What is added to a normal one. */
const RAISE: i32 = RAISED_BY << 10;
/** Bits of the smallest that would be infinite if raised. */
const TOO_LARGE: i32 = 0x7c00 - RAISE;

/** Whether no number of the panels `from` up to `to` is too large to be raised. */
export function canRaise(layout: i32, target: usize, width: i32, from: i32, to: i32): bool {
  const step = stepOf(layout, width);
  const bytes = bytesOf(layout, step);
  const end = target + <usize>to * panelBytes(layout, width);
  let most = i16x8.splat(0);
  for (let at = target + <usize>from * panelBytes(layout, width); at < end; at += step) {
    for (let i: usize = 0; i < bytes; i += 16) most = i16x8.max_u(most, magnitudes(v128.load(at + i)));
  }
  return !v128.any_true(i16x8.ge_u(most, i16x8.splat(<i16>TOO_LARGE)));
}

export function raisePanels(layout: i32, target: usize, width: i32, from: i32, to: i32): void {
  const step = stepOf(layout, width);
  const bytes = bytesOf(layout, step);
  const end = target + <usize>to * panelBytes(layout, width);
  for (let at = target + <usize>from * panelBytes(layout, width); at < end; at += step) {
    for (let i: usize = 0; i < bytes; i += 16) v128.store(at + i, raised(v128.load(at + i)));
  }
}

/** The inverse. */
export function lowerPanels(layout: i32, target: usize, width: i32, from: i32, to: i32): void {
  const step = stepOf(layout, width);
  const bytes = bytesOf(layout, step);
  const end = target + <usize>to * panelBytes(layout, width);
  for (let at = target + <usize>from * panelBytes(layout, width); at < end; at += step) {
    for (let i: usize = 0; i < bytes; i += 2) store<u16>(at + i, <u16>lowered(load<u16>(at + i)));
  }
}

function panelBytes(layout: i32, width: i32): usize {
  return layout == LAYOUT_F16 ? panelBytesHalf(width) : <usize>(width >> 5) * blockBytes(layout);
}

/** From the numbers of one block to those of the next; a panel of weights is one block. */
function stepOf(layout: i32, width: i32): usize {
  return layout == LAYOUT_F16 ? panelBytesHalf(width) : blockBytes(layout);
}

/** Bytes of a block's numbers. */
function bytesOf(layout: i32, step: usize): usize {
  if (layout == LAYOUT_F16) return step;
  return hasMin(layout) || hasHalves(layout) ? 32 : 16;
}

// @inline
function magnitudes(halves: v128): v128 {
  return v128.and(halves, i16x8.splat(<i16>MAGNITUDE));
}

// @inline
function raised(halves: v128): v128 {
  const magnitude = magnitudes(halves);
  const small = i16x8.lt_u(magnitude, i16x8.splat(<i16>NORMAL));
  const normal = i16x8.add(halves, i16x8.splat(<i16>RAISE));
  if (!v128.any_true(v128.and(small, magnitude))) return v128.bitselect(halves, normal, small);
  const low = raisedIntegers(i32x4.extend_low_i16x8_u(magnitude));
  const high = raisedIntegers(i32x4.extend_high_i16x8_u(magnitude));
  const bits = v128.shuffle<i16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
  const signs = v128.and(halves, i16x8.splat(<i16>SIGN));
  return v128.bitselect(v128.or(bits, signs), normal, small);
}

/** Bits of binary16 numbers 2^-14 times integers of 0..1023. */
// @inline
function raisedIntegers(integers: v128): v128 {
  // The exponents of float32 and binary16 differ by 112, and by 14 for the factor.
  const bits = i32x4.shr_u(i32x4.sub(f32x4.convert_i32x4_u(integers), i32x4.splat(126 << 23)), 13);
  return v128.and(bits, i32x4.ne(integers, i32x4.splat(0)));
}

function lowered(half: i32): i32 {
  const magnitude = half & MAGNITUDE;
  if (magnitude >= NORMAL + RAISE) return half - RAISE;
  if (magnitude == 0) return half;
  const fraction = (magnitude & (NORMAL - 1)) | NORMAL;
  return (half & SIGN) | (fraction >> (RAISED_BY + 1 - (magnitude >> 10)));
}
