/** What epilogue.ts does, to the same bits, for several rows, in the shape that wide.ts describes. */
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
} from '../../engine/executors/wasm/plan-layout';
import { FOUR_ROWS, ROW_SUMS, store8 } from './epilogue';
import {
  exp4By,
  EXP_HIGHEST,
  EXP_LOWEST,
  EXP_TERM2,
  EXP_TERM3,
  EXP_TERM4,
  EXP_TERM5,
  EXP_TERM6,
  EXP_TERM7,
  GELU_CUBE,
  GELU_SLOPE,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  madd,
  ROUNDING,
} from './math';
import { opaque, opaqueFloat, storePair } from './wide';

/**
 * Stores outputs of up to four rows and some panels of each stream, as `store8` does.
 * @param sums `f32[panels][streams][4][8]`, which it may overwrite @param apart see streams.ts @param factor of all sums
 */
export function storeRows(
  op: usize,
  row: i32,
  rows: i32,
  panel: i32,
  panels: i32,
  streams: i32,
  apart: i32,
  sums: usize,
  factor: f32,
): void {
  const activation = load<i32>(op, OP_ACTIVATION);
  const known = activation == 0 || activation == ACTIVATION_SILU || activation == ACTIVATION_GELU;
  const whole = (panel + (streams - 1) * apart + panels) * 8 <= load<i32>(op, OP_OUTPUTS);
  const size = <usize>streams * FOUR_ROWS;
  const last = sums + size;
  if (!known || !whole) {
    const scale = f32x4.splat(factor);
    for (; sums < last; sums += FOUR_ROWS, panel += apart) {
      for (let i = 0; i < rows; i++) {
        let at = sums + <usize>i * ROW_SUMS;
        for (let p = 0; p < panels; p++, at += size) {
          store8(op, row + i, panel + p, f32x4.mul(v128.load(at), scale), f32x4.mul(v128.load(at, 16), scale));
        }
      }
    }
    return;
  }
  const end = sums + <usize>panels * size;
  let bias = <usize>load<i32>(op, OP_BIAS);
  if (bias) {
    bias += <usize>panel * 32;
    for (let at = sums; at < last; at += FOUR_ROWS, bias += <usize>apart * 32)
      scaleAndAdd(at, rows, size, end, factor, bias);
    factor = 1;
  }
  if (activation) {
    if (activation == ACTIVATION_SILU) siluAll(sums, rows, end, factor);
    else geluAll(sums, rows, end, factor);
    factor = 1;
  }
  const yStride = <usize>load<i32>(op, OP_Y_STRIDE);
  let y = <usize>load<i32>(op, OP_Y) + <usize>row * yStride + <usize>panel * 32;
  const stride = <usize>load<i32>(op, OP_OPERAND_STRIDE);
  let operand = <usize>load<i32>(op, OP_OPERAND);
  const mode = operand ? load<i32>(op, OP_OPERAND_MODE) : 0;
  operand += <usize>row * stride + <usize>panel * 32;
  for (; sums < last; sums += FOUR_ROWS, y += <usize>apart * 32, operand += <usize>apart * 32) {
    if (!mode) copyRows(sums, rows, size, end, factor, y, yStride);
    else if (mode == OPERAND_ADD) addRows(sums, rows, size, end, factor, operand, stride, y, yStride);
    else multiplyRows(sums, rows, size, end, factor, operand, stride, y, yStride);
  }
}

// Below, sums of one stream: of one panel after another, `step` bytes apart, up to `end`.

function scaleAndAdd(sums: usize, rows: i32, step: usize, end: usize, factor: f32, bias: usize): void {
  const scale = f32x4.splat(factor);
  for (; sums < end; sums += step, bias += 32) {
    const last = sums + <usize>rows * ROW_SUMS;
    for (let at = sums; at < last; at += ROW_SUMS) {
      const low = f32x4.add(f32x4.mul(v128.load(at), scale), v128.load(bias));
      const high = f32x4.add(f32x4.mul(v128.load(at, 16), scale), v128.load(bias, 16));
      storePair(at, low, high);
    }
  }
}

function copyRows(sums: usize, rows: i32, step: usize, end: usize, factor: f32, y: usize, yStride: usize): void {
  const scale = f32x4.splat(factor);
  for (; rows > 0; rows--, sums += ROW_SUMS, y += yStride) {
    let to = y;
    for (let at = sums; at < end; at += step, to += 32) {
      const low = f32x4.mul(v128.load(at), scale);
      const high = f32x4.mul(v128.load(at, 16), scale);
      storePair(to, low, high);
    }
  }
}

function addRows(
  sums: usize,
  rows: i32,
  step: usize,
  end: usize,
  factor: f32,
  operand: usize,
  stride: usize,
  y: usize,
  yStride: usize,
): void {
  const scale = f32x4.splat(factor);
  for (; rows > 0; rows--, sums += ROW_SUMS, y += yStride, operand += stride) {
    let from = operand;
    let to = y;
    for (let at = sums; at < end; at += step, from += 32, to += 32) {
      const low = f32x4.add(f32x4.mul(v128.load(at), scale), v128.load(from));
      const high = f32x4.add(f32x4.mul(v128.load(at, 16), scale), v128.load(from, 16));
      storePair(to, low, high);
    }
  }
}

function multiplyRows(
  sums: usize,
  rows: i32,
  step: usize,
  end: usize,
  factor: f32,
  operand: usize,
  stride: usize,
  y: usize,
  yStride: usize,
): void {
  const scale = f32x4.splat(factor);
  for (; rows > 0; rows--, sums += ROW_SUMS, y += yStride, operand += stride) {
    let from = operand;
    let to = y;
    for (let at = sums; at < end; at += step, from += 32, to += 32) {
      const low = f32x4.mul(f32x4.mul(v128.load(at), scale), v128.load(from));
      const high = f32x4.mul(f32x4.mul(v128.load(at, 16), scale), v128.load(from, 16));
      storePair(to, low, high);
    }
  }
}

function siluAll(sums: usize, rows: i32, end: usize, factor: f32): void {
  activateAll(false, sums, rows, end, factor);
}

function geluAll(sums: usize, rows: i32, end: usize, factor: f32): void {
  activateAll(true, sums, rows, end, factor);
}

/** Of all streams: scaled x times the sigmoid of itself, or for GELU of twice u, see math.ts. */
// @inline
function activateAll(gelu: bool, sums: usize, rows: i32, end: usize, factor: f32): void {
  const scale = f32x4.splat(factor);
  const lowest = opaqueFloat(EXP_LOWEST);
  const highest = opaqueFloat(EXP_HIGHEST);
  const log2e = opaqueFloat(LOG2_E);
  const rounding = opaqueFloat(ROUNDING);
  const minusHigh = opaqueFloat(-LN2_HIGH);
  const minusLow = opaqueFloat(-LN2_LOW);
  const term7 = opaqueFloat(EXP_TERM7);
  const term6 = opaqueFloat(EXP_TERM6);
  const term5 = opaqueFloat(EXP_TERM5);
  const term4 = opaqueFloat(EXP_TERM4);
  const term3 = opaqueFloat(EXP_TERM3);
  const term2 = opaqueFloat(EXP_TERM2);
  const one = opaqueFloat(1);
  const bias = opaque(127);
  const cube = opaqueFloat(GELU_CUBE);
  const slope = opaqueFloat(GELU_SLOPE);
  for (; sums < end; sums += FOUR_ROWS) {
    const last = sums + <usize>rows * ROW_SUMS;
    for (let at = sums; at < last; at += ROW_SUMS) {
      const low = f32x4.mul(v128.load(at), scale);
      const high = f32x4.mul(v128.load(at, 16), scale);
      let u = f32x4.neg(gelu ? steep(low, cube, slope) : low);
      let v = f32x4.neg(gelu ? steep(high, cube, slope) : high);
      u = exp4By(
        u,
        lowest,
        highest,
        log2e,
        rounding,
        minusHigh,
        minusLow,
        term7,
        term6,
        term5,
        term4,
        term3,
        term2,
        one,
        bias,
      );
      v = exp4By(
        v,
        lowest,
        highest,
        log2e,
        rounding,
        minusHigh,
        minusLow,
        term7,
        term6,
        term5,
        term4,
        term3,
        term2,
        one,
        bias,
      );
      u = f32x4.mul(low, f32x4.div(one, f32x4.add(one, u)));
      v = f32x4.mul(high, f32x4.div(one, f32x4.add(one, v)));
      storePair(at, u, v);
    }
  }
}

// @inline
function steep(x: v128, cube: v128, slope: v128): v128 {
  return f32x4.mul(madd(f32x4.mul(cube, f32x4.mul(x, x)), x, x), slope);
}
