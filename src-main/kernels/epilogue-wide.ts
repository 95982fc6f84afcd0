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
  if (bias) {
    scaleAndAdd(sums, end, factor, bias + <usize>panel * 32, width);
    factor = 1;
  }
  if (activation) {
    if (activation == ACTIVATION_SILU) siluAll(sums, end, factor);
    else geluAll(sums, end, factor);
    factor = 1;
  }
  const yStride = <usize>load<i32>(op, OP_Y_STRIDE);
  const y = <usize>load<i32>(op, OP_Y) + <usize>row * yStride + <usize>panel * 32;
  const stride = <usize>load<i32>(op, OP_OPERAND_STRIDE);
  let operand = <usize>load<i32>(op, OP_OPERAND);
  if (!operand) {
    copyRows(sums, end, factor, width, y, yStride);
    return;
  }
  operand += <usize>row * stride + <usize>panel * 32;
  if (load<i32>(op, OP_OPERAND_MODE) == OPERAND_ADD) addRows(sums, end, factor, operand, stride, width, y, yStride);
  else multiplyRows(sums, end, factor, operand, stride, width, y, yStride);
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

function copyRows(sums: usize, end: usize, factor: f32, width: usize, y: usize, yStride: usize): void {
  const scale = f32x4.splat(factor);
  for (; sums < end; y += yStride) {
    let to = y;
    for (const stop = sums + width; sums < stop; sums += 32, to += 32) {
      const low = f32x4.mul(v128.load(sums), scale);
      const high = f32x4.mul(v128.load(sums, 16), scale);
      storePair(to, low, high);
    }
  }
}

function addRows(sums: usize, end: usize, factor: f32, operand: usize, stride: usize, width: usize, y: usize, yStride: usize): void {
  const scale = f32x4.splat(factor);
  for (; sums < end; y += yStride, operand += stride) {
    let from = operand;
    let to = y;
    for (const stop = sums + width; sums < stop; sums += 32, from += 32, to += 32) {
      const low = f32x4.add(f32x4.mul(v128.load(sums), scale), v128.load(from));
      const high = f32x4.add(f32x4.mul(v128.load(sums, 16), scale), v128.load(from, 16));
      storePair(to, low, high);
    }
  }
}

function multiplyRows(sums: usize, end: usize, factor: f32, operand: usize, stride: usize, width: usize, y: usize, yStride: usize): void {
  const scale = f32x4.splat(factor);
  for (; sums < end; y += yStride, operand += stride) {
    let from = operand;
    let to = y;
    for (const stop = sums + width; sums < stop; sums += 32, from += 32, to += 32) {
      const low = f32x4.mul(f32x4.mul(v128.load(sums), scale), v128.load(from));
      const high = f32x4.mul(f32x4.mul(v128.load(sums, 16), scale), v128.load(from, 16));
      storePair(to, low, high);
    }
  }
}

function siluAll(at: usize, end: usize, factor: f32): void {
  activateAll(false, at, end, factor);
}

function geluAll(at: usize, end: usize, factor: f32): void {
  activateAll(true, at, end, factor);
}

/** Scaled x times the sigmoid of itself, or for GELU of twice u, see math.ts. */
// @ts-ignore: decorator
@inline
function activateAll(gelu: bool, at: usize, end: usize, factor: f32): void {
  const scale = f32x4.splat(factor);
  const lowest = keptFloat(EXP_LOWEST);
  const highest = keptFloat(EXP_HIGHEST);
  const log2e = keptFloat(LOG2_E);
  const rounding = keptFloat(ROUNDING);
  const minusHigh = keptFloat(-LN2_HIGH);
  const minusLow = keptFloat(-LN2_LOW);
  const term7 = keptFloat(EXP_TERM7);
  const term6 = keptFloat(EXP_TERM6);
  const term5 = keptFloat(EXP_TERM5);
  const term4 = keptFloat(EXP_TERM4);
  const term3 = keptFloat(EXP_TERM3);
  const term2 = keptFloat(EXP_TERM2);
  const one = keptFloat(1);
  const bias = kept(127);
  const cube = keptFloat(GELU_CUBE);
  const slope = keptFloat(GELU_SLOPE);
  for (; at < end; at += 32) {
    const low = f32x4.mul(v128.load(at), scale);
    const high = f32x4.mul(v128.load(at, 16), scale);
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
