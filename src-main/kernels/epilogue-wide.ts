/** What epilogue.ts does, to the same bits, for several rows in the shape that wide.ts describes. */
import {
  ACTIVATION_GELU,
  ACTIVATION_SILU,
  OP_ACTIVATION,
  OP_BIAS,
  OP_OPERAND,
  OP_OPERAND_MODE,
  OP_OPERAND_STRIDE,
  OP_OUTPUTS,
  OP_Y,
  OP_Y_STRIDE,
  OPERAND_ADD,
} from '../engine/executors/wasm/plan-layout';
import { store8 } from './epilogue';
import {
  EXP_HIGHEST,
  EXP_LOWEST,
  EXP_TERM2,
  EXP_TERM3,
  EXP_TERM4,
  EXP_TERM5,
  EXP_TERM6,
  EXP_TERM7,
  exp4By,
  GELU_CUBE,
  GELU_SLOPE,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  madd,
  ROUNDING,
} from './math';
import { kept, keptFloat, storePair } from './wide';

/**
 * Stores outputs of four rows of a linear operation as `store8` does.
 * @param sums `f32[4][panels][8]`, which it may overwrite @param factor of all sums
 */
export function storeFourRowsWide(op: usize, row: i32, panel: i32, panels: i32, sums: usize, factor: f32): void {
  const activation = load<i32>(op, OP_ACTIVATION);
  const known = activation == 0 || activation == ACTIVATION_SILU || activation == ACTIVATION_GELU;
  if (!known || (panel + panels) * 8 > load<i32>(op, OP_OUTPUTS)) {
    const scale = f32x4.splat(factor);
    for (let i = 0; i < 4; i++) {
      for (let p = 0; p < panels; p++, sums += 32) {
        store8(op, row + i, panel + p, f32x4.mul(v128.load(sums), scale), f32x4.mul(v128.load(sums, 16), scale));
      }
    }
    return;
  }
  const width = <usize>panels * 32;
  const end = sums + 4 * width;
  const bias = <usize>load<i32>(op, OP_BIAS);
  if (bias) scaleAndAdd(sums, end, factor, bias + <usize>panel * 32, width);
  else if (factor != 1) scaleAll(sums, end, factor);
  if (activation == ACTIVATION_SILU) siluAll(sums, end);
  else if (activation) geluAll(sums, end);
  const yStride = <usize>load<i32>(op, OP_Y_STRIDE);
  let y = <usize>load<i32>(op, OP_Y) + <usize>row * yStride + <usize>panel * 32;
  const operand = <usize>load<i32>(op, OP_OPERAND);
  const operandStride = <usize>load<i32>(op, OP_OPERAND_STRIDE);
  let other = operand + <usize>row * operandStride + <usize>panel * 32;
  const add = load<i32>(op, OP_OPERAND_MODE) == OPERAND_ADD;
  for (; sums < end; sums += width, y += yStride, other += operandStride) {
    if (!operand) memory.copy(y, sums, width);
    else if (add) addRow(sums, other, y, width);
    else multiplyRow(sums, other, y, width);
  }
}

function scaleAndAdd(at: usize, end: usize, factor: f32, bias: usize, width: usize): void {
  const scale = f32x4.splat(factor);
  for (; at < end; at += width) {
    for (let i: usize = 0; i < width; i += 32) {
      const to = at + i;
      const from = bias + i;
      const low = f32x4.add(f32x4.mul(v128.load(to), scale), v128.load(from));
      const high = f32x4.add(f32x4.mul(v128.load(to, 16), scale), v128.load(from, 16));
      storePair(to, low, high);
    }
  }
}

function scaleAll(at: usize, end: usize, factor: f32): void {
  const scale = f32x4.splat(factor);
  for (; at < end; at += 32) {
    const low = f32x4.mul(v128.load(at), scale);
    const high = f32x4.mul(v128.load(at, 16), scale);
    storePair(at, low, high);
  }
}

function addRow(sums: usize, operand: usize, y: usize, width: usize): void {
  for (const end = sums + width; sums < end; sums += 32, operand += 32, y += 32) {
    const low = f32x4.add(v128.load(sums), v128.load(operand));
    const high = f32x4.add(v128.load(sums, 16), v128.load(operand, 16));
    storePair(y, low, high);
  }
}

function multiplyRow(sums: usize, operand: usize, y: usize, width: usize): void {
  for (const end = sums + width; sums < end; sums += 32, operand += 32, y += 32) {
    const low = f32x4.mul(v128.load(sums), v128.load(operand));
    const high = f32x4.mul(v128.load(sums, 16), v128.load(operand, 16));
    storePair(y, low, high);
  }
}

function siluAll(at: usize, end: usize): void {
  activateAll(false, at, end);
}

function geluAll(at: usize, end: usize): void {
  activateAll(true, at, end);
}

/** x times the sigmoid of itself, or for GELU of twice u, see math.ts. */
// @ts-ignore: decorator
@inline
function activateAll(gelu: bool, at: usize, end: usize): void {
  const lowest = keptFloat(EXP_LOWEST, at);
  const highest = keptFloat(EXP_HIGHEST, at);
  const log2e = keptFloat(LOG2_E, at);
  const rounding = keptFloat(ROUNDING, at);
  const minusHigh = keptFloat(-LN2_HIGH, at);
  const minusLow = keptFloat(-LN2_LOW, at);
  const term7 = keptFloat(EXP_TERM7, at);
  const term6 = keptFloat(EXP_TERM6, at);
  const term5 = keptFloat(EXP_TERM5, at);
  const term4 = keptFloat(EXP_TERM4, at);
  const term3 = keptFloat(EXP_TERM3, at);
  const term2 = keptFloat(EXP_TERM2, at);
  const one = keptFloat(1, at);
  const bias = kept(127, at);
  const cube = keptFloat(GELU_CUBE, at);
  const slope = keptFloat(GELU_SLOPE, at);
  for (; at < end; at += 32) {
    const low = v128.load(at);
    const high = v128.load(at, 16);
    let u = f32x4.neg(gelu ? steep(low, cube, slope) : low);
    let v = f32x4.neg(gelu ? steep(high, cube, slope) : high);
    u = exp4By(u, lowest, highest, log2e, rounding, minusHigh, minusLow, term7, term6, term5, term4, term3, term2, one, bias);
    v = exp4By(v, lowest, highest, log2e, rounding, minusHigh, minusLow, term7, term6, term5, term4, term3, term2, one, bias);
    u = f32x4.mul(low, f32x4.div(one, f32x4.add(one, u)));
    v = f32x4.mul(high, f32x4.div(one, f32x4.add(one, v)));
    storePair(at, u, v);
  }
}

// @ts-ignore: decorator
@inline
function steep(x: v128, cube: v128, slope: v128): v128 {
  return f32x4.mul(madd(f32x4.mul(cube, f32x4.mul(x, x)), x, x), slope);
}
