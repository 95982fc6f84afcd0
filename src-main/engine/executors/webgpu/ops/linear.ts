import {
  type Binding,
  declare,
  GROUP_INDEX,
  type Kernel,
  MAIN,
  RUN,
  spread,
  strideOf,
  THREADS,
  capped,
  TANH,
} from '../shader.ts';
import { unpackingCode, type GpuWeightLayout } from '../weight-layouts.ts';
import { ACTIVATIONS } from './elementwise.ts';

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
  readonly activation: keyof typeof ACTIVATIONS | null;
  /** What is done with the operand at the end. */
  readonly operand: 'add' | 'mul' | null;
  /** Whether the rows of x are those whose logits are asked for. */
  readonly logits: boolean;
  readonly softcap: number | null;
}

/** Outputs that a thread computes together, so that each loaded activation is used for all. */
const OUTPUTS = 4;

/**
 * y = activation(x W^T + b) + operand, or * operand. Some threads of a workgroup share the sums of four outputs. A row's
 * sums have the same order for any number of rows, so that a token gives the same bits in any batch.
 *
 * Bindings: run, weights, x, y, then bias and operand if there are any.
 * @param rowsAtOnce rows of x that use each loaded weight
 */
export function linear(shape: LinearShape, rowsAtOnce: 1 | 4): Kernel {
  const { layout, inputs, outputs, firstRow, firstOutput, width, bias, activation, operand, logits, softcap } = shape;
  const quads = Math.ceil(inputs / 4);
  const lanes = lanesFor(quads);
  const perGroup = (THREADS / lanes) * OUTPUTS;
  const rows = [0, 1, 2, 3].slice(0, rowsAtOnce);
  const each = (of: (row: number) => string, separator = '\n') => rows.map(of).join(separator);
  // The sums of an output: one per row.
  const type = rowsAtOnce === 1 ? 'f32' : `vec${rowsAtOnce}f`;
  const tail = inputs % 4;
  // Behind a row's last value there may be anything.
  const load = (at: string) =>
    tail === 0 ? `x[${at}]` : `select(x[${at}], select(vec4f(), x[${at}], TAIL), quad == ${quads - 1}u)`;
  const bindings: Binding[] = [
    ['run', 'array<u32>'],
    ['weights', 'array<u32>'],
    ['x', 'array<vec4f>'],
    ['y', 'array<f32>', 'read_write'],
  ];
  if (bias !== null) bindings.push(['bias', 'array<f32>']);
  if (operand) bindings.push(['operand', 'array<f32>']);
  return {
    workgroups: (count) => spread(Math.ceil(outputs / perGroup), Math.ceil(count / rowsAtOnce)),
    code: `${declare(bindings)}
${unpackingCode(layout, inputs)}${activation ? ACTIVATIONS[activation] : ''}${softcap === null ? '' : TANH}
${tail === 0 ? '' : `const TAIL = vec4<bool>(${[0, 1, 2, 3].map((i) => i < tail).join(', ')});`}
var<workgroup> partial: array<${type}, ${THREADS * OUTPUTS}>;

fn write(sum: f32, row: u32, output: u32) {
  if (output >= ${outputs}u || row >= run[${logits ? RUN.logitRows : RUN.rows}]) {
    return;
  }
  let column = ${firstOutput}u + output;
  let at = row * ${strideOf(width)}u + column;
  let biased = sum${bias === null ? '' : ` + bias[${bias}u + column]`};
  let value = ${capped(activation ? `${activation}(biased)` : 'biased', softcap)};
  y[at] = value${operand === null ? '' : ` ${operand === 'add' ? '+' : '*'} operand[at]`};
}

${MAIN} {
  let lane = local % ${lanes}u;
  let first = ${GROUP_INDEX} * ${perGroup}u + (local / ${lanes}u) * ${OUTPUTS}u;
  let row = group.z * ${rowsAtOnce}u;
  let last = run[${logits ? RUN.logitRows : RUN.rows}] - 1u;
${each((r) => {
  const index = `min(row + ${r}u, last)`;
  return `  let at${r} = ${logits ? `run[${RUN.logitIndices}u + ${index}]` : index} * ${strideOf(inputs) / 4}u;`;
})}
  var sums: array<${type}, ${OUTPUTS}>;
  for (var quad = lane; quad < ${quads}u; quad += ${lanes}u) {
${each((r) => `    let x${r} = ${load(`at${r} + quad`)};`)}
    for (var i = 0u; i < ${OUTPUTS}u; i += 1u) {
      let w = weights4(${firstRow}u + min(first + i, ${outputs - 1}u), quad);
      sums[i] += ${type}(${each((r) => `dot(w, x${r})`, ', ')});
    }
  }
  for (var i = 0u; i < ${OUTPUTS}u; i += 1u) {
    partial[i * ${THREADS}u + local] = sums[i];
  }
  for (var step = ${lanes >> 1}u; step > 0u; step >>= 1u) {
    workgroupBarrier();
    if (lane < step) {
      for (var i = local; i < ${THREADS * OUTPUTS}u; i += ${THREADS}u) {
        partial[i] += partial[i + step];
      }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < ${OUTPUTS}u; i += ${lanes}u) {
    let sum = partial[i * ${THREADS}u + local - lane];
${each((r) => `    write(sum${rowsAtOnce === 1 ? '' : `[${r}]`}, row + ${r}u, first + i);`)}
  }
}
`,
  };
}

/** Threads that share a sum: a power of two, each with at least four loads if there are as many. */
function lanesFor(quads: number): number {
  let lanes = 1;
  while (lanes < 32 && lanes * 8 <= quads) lanes *= 2;
  return lanes;
}
