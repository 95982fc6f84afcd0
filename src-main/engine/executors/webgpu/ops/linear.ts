import type { Epilogue } from '../../fusion.ts';
import { CAP, GROUP_INDEX, type Kernel, kernel, MAIN, RUN, spread, strideOf, THREADS } from '../shader.ts';
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
  /** Whether the rows of x are those whose logits are asked for. */
  readonly logits: boolean;
  readonly softcap: number | null;
}

/** Outputs that a thread computes together, so that each loaded activation is used for all. */
const OUTPUTS = 4;

/** Values of the shape's field `operand`. */
const OPERANDS = { none: 0, add: 1, mul: 2 } as const;

/**
 * y = activation(x W^T + b) + operand, or * operand. Some threads of a workgroup share the sums of four outputs. A row's
 * sums have the same order for any number of rows, so that a token gives the same bits in any batch.
 *
 * Bindings: run, weights, x, y, bias and operand. Where there are none of the last two, any buffer that is not written.
 * @param rowsAtOnce rows of x that use each loaded weight
 */
export function linear(shape: LinearShape, rowsAtOnce: 1 | 4): Kernel {
  const { layout, inputs, outputs, firstRow, firstOutput, width, bias, epilogue, logits, softcap } = shape;
  const quads = Math.ceil(inputs / 4);
  const lanes = lanesFor(quads);
  const perGroup = (THREADS / lanes) * OUTPUTS;
  const rows = [0, 1, 2, 3].slice(0, rowsAtOnce);
  const each = (of: (row: number) => string, separator = '\n') => rows.map(of).join(separator);
  // The sums of an output: one per row.
  const type = rowsAtOnce === 1 ? 'f32' : `vec${rowsAtOnce}f`;
  return kernel(
    [
      ['run', 'array<u32>'],
      ['weights', 'array<u32>'],
      ['x', 'array<vec4f>'],
      ['y', 'array<f32>', 'read_write'],
      ['bias', 'array<f32>'],
      ['operand', 'array<f32>'],
    ],
    {
      integers: {
        ...{ inputs, quads, lanes, perGroup, outputs, firstRow, firstOutput },
        ...{ stride: strideOf(width), logits: Number(logits), hasBias: Number(bias !== null), bias: bias ?? 0 },
        kind: activationKind(epilogue?.activation ?? null),
        operand: OPERANDS[epilogue?.operand ?? 'none'],
        ...planesOf(layout, inputs),
      },
      floats: { softcap: softcap ?? 0 },
    },
    `${unpackingCode(layout)}${ACTIVATE}${CAP}
var<workgroup> partial: array<${type}, ${THREADS * OUTPUTS}>;

/** Four values of a row. Behind its last there may be anything. */
fn inputs4(start: u32, quad: u32) -> vec4f {
  return select(vec4f(), x[start + quad], 4u * vec4u(quad) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.inputs));
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

fn write(sum: f32, row: u32, output: u32) {
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
  let first = ${GROUP_INDEX} * shape.perGroup + (local / shape.lanes) * ${OUTPUTS}u;
  let row = group.z * ${rowsAtOnce}u;
  let last = rowCount() - 1u;
${each((r) => `  let start${r} = startOf(min(row + ${r}u, last));`)}
  var sums: array<${type}, ${OUTPUTS}>;
  for (var quad = lane; quad < shape.quads; quad += shape.lanes) {
${each((r) => `    let x${r} = inputs4(start${r}, quad);`)}
    for (var i = 0u; i < ${OUTPUTS}u; i += 1u) {
      let w = weights4(shape.firstRow + min(first + i, shape.outputs - 1u), quad);
      sums[i] += ${type}(${each((r) => `dot(w, x${r})`, ', ')});
    }
  }
  for (var i = 0u; i < ${OUTPUTS}u; i += 1u) {
    partial[i * ${THREADS}u + local] = sums[i];
  }
  for (var step = shape.lanes >> 1u; step > 0u; step >>= 1u) {
    workgroupBarrier();
    if (lane < step) {
      for (var i = local; i < ${THREADS * OUTPUTS}u; i += ${THREADS}u) {
        partial[i] += partial[i + step];
      }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < ${OUTPUTS}u; i += shape.lanes) {
    let sum = partial[i * ${THREADS}u + local - lane];
${each((r) => `    write(sum${rowsAtOnce === 1 ? '' : `[${r}]`}, row + ${r}u, first + i);`)}
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
