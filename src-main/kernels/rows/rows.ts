/** Operations that treat each row by itself, for rows `from` up to `to`. */
import {
  OP_BIAS,
  OP_EPS,
  OP_FACTOR,
  OP_HEAD_DIM,
  OP_KIND,
  OP_OPERAND_MODE,
  OP_OUTPUTS,
  OP_PAIRS,
  OP_WEIGHT,
  OP_WIDTH,
  OP_X,
  OP_X2,
  OP_X2_STRIDE,
  OP_X_STRIDE,
  OP_Y,
  OP_Y_STRIDE,
  OPERAND_ADD,
  RUN_LOGIT_INDICES,
  RUN_POSITIONS,
  RUN_TOKENS,
  UNARY_SCALE,
  UNARY_SOFTCAP,
} from '../../engine/executors/wasm/plan-layout';
import { activate } from '../base/epilogue';
import { softcap4 } from '../base/math';
import { unpackRow } from './unpack';

// @inline
function xRow(op: usize, row: i32): usize {
  return <usize>load<i32>(op, OP_X) + row * load<i32>(op, OP_X_STRIDE);
}

// @inline
function yRow(op: usize, row: i32): usize {
  return <usize>load<i32>(op, OP_Y) + row * load<i32>(op, OP_Y_STRIDE);
}

/** @param scratch memory for a tile of one block */
export function embedRows(op: usize, run: usize, from: i32, to: i32, scratch: usize): void {
  const indices = <usize>load<i32>(run + (load<i32>(op, OP_KIND) ? RUN_POSITIONS : RUN_TOKENS));
  const table = <usize>load<i32>(op, OP_WEIGHT);
  for (let row = from; row < to; row++) {
    unpackRow(op, table, load<i32>(indices + row * 4), yRow(op, row), scratch);
  }
}

/** Sum of the four lanes' partial sums in double precision. */
function wideSum(x: v128): f64 {
  return (
    <f64>f32x4.extract_lane(x, 0) +
    <f64>f32x4.extract_lane(x, 1) +
    <f64>f32x4.extract_lane(x, 2) +
    <f64>f32x4.extract_lane(x, 3)
  );
}

export function layerNormRows(op: usize, from: i32, to: i32): void {
  const width = load<i32>(op, OP_WIDTH);
  const gain = <usize>load<i32>(op, OP_WEIGHT);
  const bias = <usize>load<i32>(op, OP_BIAS);
  const end = <usize>width * 4;
  const whole = end & ~15;
  for (let row = from; row < to; row++) {
    const x = xRow(op, row);
    const y = yRow(op, row);
    let sums = f32x4.splat(0);
    for (let i: usize = 0; i < whole; i += 16) sums = f32x4.add(sums, v128.load(x + i));
    let sum = wideSum(sums);
    for (let i = whole; i < end; i += 4) sum += <f64>load<f32>(x + i);
    const mean = <f32>(sum / <f64>width);
    const means = f32x4.splat(mean);
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < whole; i += 16) {
      const d = f32x4.sub(v128.load(x + i), means);
      squares = f32x4.add(squares, f32x4.mul(d, d));
    }
    let square = wideSum(squares);
    for (let i = whole; i < end; i += 4) {
      const d = load<f32>(x + i) - mean;
      square += <f64>(d * d);
    }
    const factor = <f32>(1 / Math.sqrt(square / <f64>width + <f64>load<f32>(op, OP_EPS)));
    const factors = f32x4.splat(factor);
    for (let i: usize = 0; i < whole; i += 16) {
      const scaled = f32x4.mul(f32x4.sub(v128.load(x + i), means), factors);
      v128.store(y + i, f32x4.add(f32x4.mul(scaled, v128.load(gain + i)), v128.load(bias + i)));
    }
    for (let i = whole; i < end; i += 4) {
      store<f32>(y + i, (load<f32>(x + i) - mean) * factor * load<f32>(gain + i) + load<f32>(bias + i));
    }
  }
}

/** Over each part of a row that is as wide as the gain (`OP_HEAD_DIM`). */
export function rmsNormRows(op: usize, from: i32, to: i32): void {
  const part = load<i32>(op, OP_HEAD_DIM);
  const parts = load<i32>(op, OP_WIDTH) / part;
  const gain = <usize>load<i32>(op, OP_WEIGHT);
  const end = <usize>part * 4;
  const whole = end & ~15;
  for (let row = from; row < to; row++) {
    for (let p = 0; p < parts; p++) {
      const x = xRow(op, row) + <usize>p * end;
      const y = yRow(op, row) + <usize>p * end;
      let squares = f32x4.splat(0);
      for (let i: usize = 0; i < whole; i += 16) {
        const v = v128.load(x + i);
        squares = f32x4.add(squares, f32x4.mul(v, v));
      }
      let square = wideSum(squares);
      for (let i = whole; i < end; i += 4) square += <f64>load<f32>(x + i) * <f64>load<f32>(x + i);
      const factor = <f32>(1 / Math.sqrt(square / <f64>part + <f64>load<f32>(op, OP_EPS)));
      const factors = f32x4.splat(factor);
      for (let i: usize = 0; i < whole; i += 16) {
        v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), factors), v128.load(gain + i)));
      }
      for (let i = whole; i < end; i += 4) store<f32>(y + i, load<f32>(x + i) * factor * load<f32>(gain + i));
    }
  }
}

/** cos and sin of each row's angles come from the host: `[rows, cos[pairs] then sin[pairs]]` at OP_WEIGHT. */
export function ropeRows(op: usize, from: i32, to: i32): void {
  const width = load<i32>(op, OP_WIDTH);
  const headDim = load<i32>(op, OP_HEAD_DIM);
  const pairs = load<i32>(op, OP_PAIRS);
  const halves = load<i32>(op, OP_KIND);
  const turned = <usize>pairs * 2;
  for (let row = from; row < to; row++) {
    const cos = <usize>load<i32>(op, OP_WEIGHT) + row * pairs * 8;
    const sin = cos + pairs * 4;
    for (let head = 0; head < width; head += headDim) {
      const x = xRow(op, row) + head * 4;
      const y = yRow(op, row) + head * 4;
      if (halves) turnHalves(x, y, cos, sin, pairs);
      else turnNeighbours(x, y, cos, sin, pairs);
      if (x != y) memory.copy(y + turned * 4, x + turned * 4, (<usize>headDim - turned) * 4);
    }
  }
}

function turnHalves(x: usize, y: usize, cos: usize, sin: usize, pairs: i32): void {
  const distance = <usize>pairs * 4;
  const whole = distance & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    const a = v128.load(x + i);
    const b = v128.load(x + distance + i);
    const c = v128.load(cos + i);
    const s = v128.load(sin + i);
    v128.store(y + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(y + distance + i, f32x4.add(f32x4.mul(a, s), f32x4.mul(b, c)));
  }
  for (let i = whole; i < distance; i += 4) turn(x + i, x + distance + i, y + i, y + distance + i, cos + i, sin + i);
}

function turnNeighbours(x: usize, y: usize, cos: usize, sin: usize, pairs: i32): void {
  for (let i: usize = 0; i < <usize>pairs * 4; i += 4) {
    turn(x + 2 * i, x + 2 * i + 4, y + 2 * i, y + 2 * i + 4, cos + i, sin + i);
  }
}

function turn(x0: usize, x1: usize, y0: usize, y1: usize, cos: usize, sin: usize): void {
  const a = load<f32>(x0);
  const b = load<f32>(x1);
  const c = load<f32>(cos);
  const s = load<f32>(sin);
  store<f32>(y0, a * c - b * s);
  store<f32>(y1, a * s + b * c);
}

export function unaryRows(op: usize, from: i32, to: i32): void {
  const kind = load<i32>(op, OP_KIND);
  const factor = load<f32>(op, OP_FACTOR);
  const factors = f32x4.splat(factor);
  for (let row = from; row < to; row++) {
    const x = xRow(op, row);
    const y = yRow(op, row);
    const end = <usize>load<i32>(op, OP_WIDTH) * 4;
    const whole = end & ~15;
    for (let i: usize = 0; i < whole; i += 16) v128.store(y + i, unary(v128.load(x + i), kind, factor, factors));
    for (let i = whole; i < end; i += 4) {
      store<f32>(y + i, f32x4.extract_lane(unary(v128.load32_splat(x + i), kind, factor, factors), 0));
    }
  }
}

// @inline
function unary(x: v128, kind: i32, factor: f32, factors: v128): v128 {
  if (kind == UNARY_SCALE) return f32x4.mul(x, factors);
  if (kind == UNARY_SOFTCAP) return softcap4(x, factor);
  return activate(x, kind);
}

export function binaryRows(op: usize, from: i32, to: i32): void {
  const add = load<i32>(op, OP_OPERAND_MODE) == OPERAND_ADD;
  for (let row = from; row < to; row++) {
    const x = xRow(op, row);
    const x2 = <usize>load<i32>(op, OP_X2) + row * load<i32>(op, OP_X2_STRIDE);
    const y = yRow(op, row);
    const end = <usize>load<i32>(op, OP_WIDTH) * 4;
    const whole = end & ~15;
    for (let i: usize = 0; i < whole; i += 16) {
      const a = v128.load(x + i);
      const b = v128.load(x2 + i);
      v128.store(y + i, add ? f32x4.add(a, b) : f32x4.mul(a, b));
    }
    for (let i = whole; i < end; i += 4) {
      const a = load<f32>(x + i);
      const b = load<f32>(x2 + i);
      store<f32>(y + i, add ? a + b : a * b);
    }
  }
}

/** The rows whose logits are wanted, one after the other. */
export function gatherRows(op: usize, run: usize, from: i32, to: i32): void {
  const indices = <usize>load<i32>(run, RUN_LOGIT_INDICES);
  const bytes = <usize>load<i32>(op, OP_OUTPUTS) * 4;
  for (let row = from; row < to; row++) memory.copy(yRow(op, row), xRow(op, load<i32>(indices + row * 4)), bytes);
}

export function copyRows(op: usize, from: i32, to: i32): void {
  const bytes = <usize>load<i32>(op, OP_OUTPUTS) * 4;
  for (let row = from; row < to; row++) memory.copy(yRow(op, row), xRow(op, row), bytes);
}
