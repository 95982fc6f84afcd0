import type { Epilogue } from '../../fusion.ts';
import { CAP, GROUP_INDEX, type Kernel, kernel, MAIN, RUN, spread, strideOf, sumOf, THREADS } from '../shader.ts';
import { planesOf, unpackingCode, type GpuWeightLayout } from '../weight-layouts.ts';
import { ACTIVATE, activationKind } from './elementwise.ts';

export interface LinearShape {
  readonly layout: GpuWeightLayout;
  readonly inputs: number;
  /** Rows of the matrix that are computed: its outputs, or part of them. */
  readonly outputs: number;
  /** Row of the bound weights with the first of these outputs. */
  readonly firstRow: number;
  /** The first of these outputs among all, and how many there are in a row of y. */
  readonly firstOutput: number;
  readonly width: number;
  /** Place of the first output's bias in the bound vector; null for none. */
  readonly bias: number | null;
  /** What is done with the outputs. */
  readonly epilogue: Epilogue | null;
  /** Whether each output is multiplied by that of a second matrix, whose rows follow. Such outputs are not split. */
  readonly gated: boolean;
  /** The norm of the rows of x. */
  readonly norm: { readonly op: 'rmsNorm' | 'layerNorm'; readonly eps: number } | null;
  /** Whether the rows of x are those whose logits are asked for. */
  readonly logits: boolean;
  readonly softcap: number | null;
}

/** Rows of the matrix that a thread computes together, so that each loaded activation is used for all. */
const SUMS = 4;

/** Values of the shape's field `operand`. */
const OPERANDS = { none: 0, add: 1, mul: 2 } as const;
const NORMS = { none: 0, rmsNorm: 1, layerNorm: 2 } as const;

/**
 * y = activation(norm(x) W^T + b) + operand, or * operand. Some threads of a workgroup share the sums of four rows of W.
 * Each workgroup computes the mean and the variance again, which takes less time than another dispatch. A row's sums have
 * the same order for any number of rows, so that a token gives the same bits in any batch.
 *
 * Bindings: run, weights, x, y, bias, operand, the norm's gain and bias. Where there is none of the last four, any buffer
 * of 16 bytes that is not written.
 * @param rowsAtOnce rows of x that use each loaded weight
 */
export function linear(shape: LinearShape, rowsAtOnce: 1 | 4): Kernel {
  const { layout, inputs, outputs, firstRow, firstOutput, width, bias, epilogue, gated, norm, logits, softcap } = shape;
  const quads = Math.ceil(inputs / 4);
  const lanes = lanesFor(quads);
  const perThread = gated ? SUMS / 2 : SUMS;
  const perGroup = (THREADS / lanes) * perThread;
  const rows = [0, 1, 2, 3].slice(0, rowsAtOnce);
  const each = (of: (row: number) => string, separator = '\n') => rows.map(of).join(separator);
  // The sums of an output: one per row.
  const type = rowsAtOnce === 1 ? 'f32' : `vec${rowsAtOnce}f`;
  const at = (row: number) => (rowsAtOnce === 1 ? '' : `[${row}]`);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['weights', 'array<u32>'],
      ['x', 'array<vec4f>'],
      ['y', 'array<f32>', 'read_write'],
      ['bias', 'array<f32>'],
      ['operand', 'array<f32>'],
      ['gain', 'array<vec4f>'],
      ['normBias', 'array<vec4f>'],
    ],
    {
      integers: {
        ...{ inputs, quads, lanes, perThread, perGroup, outputs, firstRow, firstOutput },
        ...{ stride: strideOf(width), logits: Number(logits), hasBias: Number(bias !== null), bias: bias ?? 0 },
        kind: activationKind(epilogue?.activation ?? null),
        operand: OPERANDS[epilogue?.operand ?? 'none'],
        norm: NORMS[norm?.op ?? 'none'],
        ...planesOf(layout, inputs),
      },
      floats: { softcap: softcap ?? 0, eps: norm?.eps ?? 0 },
    },
    `${unpackingCode(layout)}${ACTIVATE}${CAP}${sumOf(type, THREADS * SUMS)}
/** Four values of a row without their mean. Behind its last there may be anything. */
fn centred(start: u32, quad: u32, mean: f32) -> vec4f {
  return select(vec4f(), x[start + quad] - mean, 4u * vec4u(quad) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.inputs));
}

/** Four values of a row, normalised. */
fn inputs4(start: u32, quad: u32, mean: f32, factor: f32) -> vec4f {
  var four = centred(start, quad, mean);
  if (shape.norm != ${NORMS.none}u) {
    four = four * factor * gain[quad];
  }
  if (shape.norm == ${NORMS.layerNorm}u) {
    four += normBias[quad];
  }
  return four;
}

fn rowCount() -> u32 {
  if (shape.logits == 1u) {
    return run[${RUN.logitRows}];
  }
  return run[${RUN.rows}];
}

/** Where a row of x begins, in groups of four. */
fn startOf(row: u32) -> u32 {
  var index = row;
  if (shape.logits == 1u) {
    index = run[${RUN.logitIndices}u + row];
  }
  return index * shape.quads;
}

fn write(sum: f32, second: f32, row: u32, output: u32) {
  if (output >= shape.outputs || row >= rowCount()) {
    return;
  }
  let column = shape.firstOutput + output;
  let at = row * shape.stride + column;
  var value = sum;
  if (shape.hasBias == 1u) {
    value += bias[shape.bias + column];
  }
  value = capped(activate(value, shape.kind), shape.softcap);
  if (shape.perThread < ${SUMS}u) {
    var factor = second;
    if (shape.hasBias == 1u) {
      factor += bias[shape.bias + shape.outputs + column];
    }
    value *= factor;
  }
  if (shape.operand == ${OPERANDS.add}u) {
    value += operand[at];
  }
  if (shape.operand == ${OPERANDS.mul}u) {
    value *= operand[at];
  }
  y[at] = value;
}

${MAIN} {
  let lane = local % shape.lanes;
  let first = ${GROUP_INDEX} * shape.perGroup + (local / shape.lanes) * shape.perThread;
  let row = group.z * ${rowsAtOnce}u;
  let last = rowCount() - 1u;
${each((r) => `  let start${r} = startOf(min(row + ${r}u, last));`)}
  var mean = ${type}();
  var factor = ${type}(1.0);
  if (shape.norm == ${NORMS.layerNorm}u) {
    var sum = ${type}();
    for (var quad = local; quad < shape.quads; quad += ${THREADS}u) {
      sum += ${type}(${each((r) => `dot(centred(start${r}, quad, 0.0), vec4f(1.0))`, ', ')});
    }
    mean = sumOf(sum, local) / f32(shape.inputs);
  }
  if (shape.norm != ${NORMS.none}u) {
    var squares = ${type}();
    for (var quad = local; quad < shape.quads; quad += ${THREADS}u) {
${each((r) => `      let c${r} = centred(start${r}, quad, mean${at(r)});`)}
      squares += ${type}(${each((r) => `dot(c${r}, c${r})`, ', ')});
    }
    factor = 1.0 / sqrt(sumOf(squares, local) / f32(shape.inputs) + shape.eps);
    // All have read the sum before its place is used again.
    workgroupBarrier();
  }
  var sums: array<${type}, ${SUMS}>;
  for (var quad = lane; quad < shape.quads; quad += shape.lanes) {
${each((r) => `    let x${r} = inputs4(start${r}, quad, mean${at(r)}, factor${at(r)});`)}
    for (var i = 0u; i < ${SUMS}u; i += 1u) {
      let output = min(first + i % shape.perThread, shape.outputs - 1u);
      let w = weights4(shape.firstRow + output + (i / shape.perThread) * shape.outputs, quad);
      sums[i] += ${type}(${each((r) => `dot(w, x${r})`, ', ')});
    }
  }
  for (var i = 0u; i < ${SUMS}u; i += 1u) {
    partial[i * ${THREADS}u + local] = sums[i];
  }
  for (var step = shape.lanes >> 1u; step > 0u; step >>= 1u) {
    workgroupBarrier();
    if (lane < step) {
      for (var i = local; i < ${THREADS * SUMS}u; i += ${THREADS}u) {
        partial[i] += partial[i + step];
      }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < shape.perThread; i += shape.lanes) {
    let sum = partial[i * ${THREADS}u + local - lane];
    let second = partial[(i + shape.perThread) % ${SUMS}u * ${THREADS}u + local - lane];
${each((r) => `    write(sum${at(r)}, second${at(r)}, row + ${r}u, first + i);`)}
  }
}
`,
    (count) => spread(Math.ceil(outputs / perGroup), Math.ceil(count / rowsAtOnce)),
  );
}

/** Threads that share a sum: a power of two, each with at least four loads if there are as many. */
function lanesFor(quads: number): number {
  let lanes = 1;
  while (lanes < 32 && lanes * 8 <= quads) lanes *= 2;
  return lanes;
}
