import {
  ACTIVATION_GELU,
  ACTIVATION_RELU,
  ACTIVATION_SILU,
  F16_INPUT_EXPONENT,
  OP_ACTIVATION,
  OP_BIAS,
  OP_OPERAND,
  OP_OPERAND_MODE,
  OP_OPERAND_STRIDE,
  OP_OUTPUTS,
  OP_RAISED,
  OP_Y,
  OP_Y_STRIDE,
  OPERAND_ADD,
} from '../../engine/executors/wasm/plan-layout';
import { gelu4, relu4, silu4 } from './math';

/** Bytes of the float32 sums of one row and a panel, and of four rows. */
export const ROW_SUMS: usize = 32;
export const FOUR_ROWS: usize = 128;

/** What sums of products with binary16 numbers are multiplied by: see half/linear.ts and pack/raise.ts. */
// @inline
export function unscaleOf(op: usize): f32 {
  return reinterpret<f32>((127 + F16_INPUT_EXPONENT - load<i32>(op, OP_RAISED)) << 23);
}

// @inline
export function activate(x: v128, activation: i32): v128 {
  if (activation == ACTIVATION_RELU) return relu4(x);
  if (activation == ACTIVATION_SILU) return silu4(x);
  if (activation == ACTIVATION_GELU) return gelu4(x);
  return x;
}

/**
 * Stores eight outputs of one row of a linear operation: adds the bias, applies the activation, then adds or multiplies
 * by the operand (a residual, a gate).
 */
export function store8(op: usize, row: i32, panel: i32, low: v128, high: v128): void {
  const first = panel * 8;
  const bias = <usize>load<i32>(op, OP_BIAS);
  if (bias) {
    // Padded to whole panels.
    low = f32x4.add(low, v128.load(bias + first * 4));
    high = f32x4.add(high, v128.load(bias + first * 4, 16));
  }
  const activation = load<i32>(op, OP_ACTIVATION);
  if (activation) {
    low = activate(low, activation);
    high = activate(high, activation);
  }
  const y = <usize>load<i32>(op, OP_Y) + row * load<i32>(op, OP_Y_STRIDE) + first * 4;
  const operand = <usize>load<i32>(op, OP_OPERAND);
  const at = operand + row * load<i32>(op, OP_OPERAND_STRIDE) + first * 4;
  const add = load<i32>(op, OP_OPERAND_MODE) == OPERAND_ADD;
  const count = load<i32>(op, OP_OUTPUTS) - first;
  if (count >= 8) {
    if (operand) {
      const a = v128.load(at);
      const b = v128.load(at, 16);
      low = add ? f32x4.add(low, a) : f32x4.mul(low, a);
      high = add ? f32x4.add(high, b) : f32x4.mul(high, b);
    }
    v128.store(y, low);
    v128.store(y, high, 16);
    return;
  }
  // The last panel of a row is not full: the next row begins right after it.
  for (let i = 0; i < count; i++) {
    let value = i < 4 ? f32x4.extract_lane(low, 0) : f32x4.extract_lane(high, 0);
    if (operand) {
      const other = load<f32>(at + i * 4);
      value = add ? value + other : value * other;
    }
    store<f32>(y + i * 4, value);
    // Lanes move down by one.
    low = i8x16.shuffle(low, low, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
    if (i >= 4) high = i8x16.shuffle(high, high, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3);
  }
}
