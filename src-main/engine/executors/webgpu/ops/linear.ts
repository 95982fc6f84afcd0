import type { Epilogue } from '../../fusion.ts';
import { type Binding, CAP, GROUP_INDEX, type Kernel, kernel, MAIN, type MANY_ROWS, OF_ROW, ROW, RUN, spread, strideOf, THREADS, type TILE_ROWS } from '../shader.ts'; // prettier-ignore
import { laneSums, sumOf } from '../reductions.ts';
import { planesOf, unpackingCode, type GpuWeightLayout } from '../weight-layouts.ts';
import { merged4, type MergedSlices, mergeFields } from './attention-slices.ts';
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
  /** Whether the rows of x are those whose logits are computed. */
  readonly logits: boolean;
  /** Attention whose slices x has, without a norm and one row at a time; null for rows. */
  readonly merged?: MergedSlices | null;
  readonly softcap: number | null;
}

/** Rows of the matrix that a thread computes together, so that each loaded activation is used for all. */
const SUMS = 4;

/** Values of the shape's field `operand`. */
const OPERANDS = { none: 0, add: 1, mul: 2 } as const;
const NORMS = { none: 0, rmsNorm: 1, layerNorm: 2 } as const;

const NORM_BINDINGS: readonly Binding[] = [
  ['gain', 'array<vec4f>'],
  ['normBias', 'array<vec4f>'],
];

/** WGSL of the body of `inputs4`. */
const NORMALISED = `  var four = centred(start, quad, mean);
  if (shape.norm != ${NORMS.none}u) {
    four = four * factor * gain[quad];
  }
  if (shape.norm == ${NORMS.layerNorm}u) {
    four += normBias[quad];
  }
  return four;`;

/**
 * y = activation(norm(x) W^T + b) + operand, or * operand. Some threads of a workgroup share the sums of four rows of W.
 * Each workgroup computes the mean and the variance again, which takes less time than another dispatch. A row's sums have
 * the same order for any number of rows, so that a token gives the same bits in any batch.
 *
 * Bindings: run, weights, x, y, bias, operand, the norm's gain and bias. Without one of the last four, it is any buffer of
 * 16 bytes that is not written. With merged slices, the last two are left out.
 * @param rowsAtOnce rows of x that use each unpacked weight: a thread's sums are a tile of as many rows and four outputs
 */
export function linear(shape: LinearShape, rowsAtOnce: 1 | typeof MANY_ROWS | typeof TILE_ROWS): Kernel {
  const { layout, inputs, outputs, firstRow, firstOutput, width, bias, epilogue, gated, norm, logits, softcap } = shape;
  const { merged = null } = shape;
  const quads = Math.ceil(inputs / 4);
  const lanes = lanesFor(quads);
  const perThread = gated ? SUMS / 2 : SUMS;
  const perGroup = (THREADS / lanes) * perThread;
  // Rows are summed in groups, each a vector with one sum per row.
  const groupRows = Math.min(4, rowsAtOnce);
  const type = groupRows === 1 ? 'f32' : `vec${groupRows}f`;
  const groups = Array.from({ length: rowsAtOnce / groupRows }, (_, group) => group);
  const inGroup = (group: number, of: (row: number) => string, separator = '\n') =>
    Array.from({ length: groupRows }, (_, i) => of(groupRows * group + i)).join(separator);
  const each = (of: (row: number) => string) => groups.map((group) => inGroup(group, of)).join('\n');
  const eachGroup = (of: (group: number) => string) => groups.map(of).join('\n');
  const groupOf = (row: number) => Math.floor(row / groupRows);
  const at = (row: number) => (groupRows === 1 ? '' : `[${row % groupRows}]`);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['weights', 'array<u32>'],
      ['x', 'array<vec4f>'],
      ['y', 'array<f32>', 'read_write'],
      ['bias', 'array<f32>'],
      ['operand', 'array<f32>'],
      // A binding must be used.
      ...(merged ? [] : NORM_BINDINGS),
    ],
    {
      integers: {
        ...{ inputs, quads, lanes, perThread, perGroup, outputs, firstRow, firstOutput },
        ...{ stride: strideOf(width), logits: Number(logits), hasBias: Number(bias !== null), bias: bias ?? 0 },
        kind: activationKind(epilogue?.activation ?? null),
        operand: OPERANDS[epilogue?.operand ?? 'none'],
        norm: NORMS[norm?.op ?? 'none'],
        ...planesOf(layout, inputs),
        ...(merged && mergeFields(merged)),
      },
      floats: { softcap: softcap ?? 0, eps: norm?.eps ?? 0 },
    },
    (
      subgroup,
    ) => `${unpackingCode(layout)}${ACTIVATE}${CAP}${sumOf(subgroup, type, THREADS * SUMS)}${laneSums(subgroup, type, SUMS)}${merged ? OF_ROW + merged4(ROW.end) : ''}
/** Four values of a row without their mean. Those after its last are undefined. */
fn centred(start: u32, quad: u32, mean: f32) -> vec4f {
  return select(vec4f(), x[start + quad] - mean, 4u * vec4u(quad) + vec4u(0u, 1u, 2u, 3u) < vec4u(shape.inputs));
}

/** Four values of a row, normalised. */
fn inputs4(start: u32, quad: u32, mean: f32, factor: f32) -> vec4f {
${merged ? '  return merged4(quad);' : NORMALISED}
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

/** Adds up the sums of the lanes, and writes those of a group of rows. */
fn finish(own: array<${type}, ${SUMS}>, row: u32, first: u32, lane: u32, local: u32) {
  sumLanes(own, lane, local);
  for (var i = lane; i < shape.perThread; i += shape.lanes) {
    let sum = partial[i * ${THREADS}u + local - lane];
    let second = partial[(i + shape.perThread) % ${SUMS}u * ${THREADS}u + local - lane];
${inGroup(0, (r) => `    write(sum${at(r)}, second${at(r)}, row + ${r}u, first + i);`)}
  }
}

${MAIN} {
  let lane = local % shape.lanes;
  let first = ${GROUP_INDEX} * shape.perGroup + (local / shape.lanes) * shape.perThread;
  let row = group.z * ${rowsAtOnce}u;
  let last = rowCount() - 1u;
${each((r) => `  let start${r} = startOf(min(row + ${r}u, last));`)}
${eachGroup((g) => `  var mean${g} = ${type}();\n  var factor${g} = ${type}(1.0);`)}
  if (shape.norm == ${NORMS.layerNorm}u) {
${eachGroup(
  (g) => `    var sum${g} = ${type}();
    for (var quad = local; quad < shape.quads; quad += ${THREADS}u) {
      sum${g} += ${type}(${inGroup(g, (r) => `dot(centred(start${r}, quad, 0.0), vec4f(1.0))`, ', ')});
    }
    mean${g} = sumOf(sum${g}, local) / f32(shape.inputs);`,
)}
  }
  if (shape.norm != ${NORMS.none}u) {
${eachGroup(
  (g) => `    var squares${g} = ${type}();
    for (var quad = local; quad < shape.quads; quad += ${THREADS}u) {
${inGroup(g, (r) => `      let c${r} = centred(start${r}, quad, mean${g}${at(r)});`)}
      squares${g} += ${type}(${inGroup(g, (r) => `dot(c${r}, c${r})`, ', ')});
    }
    factor${g} = 1.0 / sqrt(sumOf(squares${g}, local) / f32(shape.inputs) + shape.eps);`,
)}
    // All threads have read the sum before it is overwritten.
    workgroupBarrier();
  }
${merged ? '  prepareMerge(row, local);' : ''}
${eachGroup((g) => `  var sums${g}: array<${type}, ${SUMS}>;`)}
  for (var quad = lane; quad < shape.quads; quad += shape.lanes) {
${each((r) => `    let x${r} = inputs4(start${r}, quad, mean${groupOf(r)}${at(r)}, factor${groupOf(r)}${at(r)});`)}
    for (var i = 0u; i < ${SUMS}u; i += 1u) {
      let output = min(first + i % shape.perThread, shape.outputs - 1u);
      let w = weights4(shape.firstRow + output + (i / shape.perThread) * shape.outputs, quad);
${eachGroup((g) => `      sums${g}[i] += ${type}(${inGroup(g, (r) => `dot(w, x${r})`, ', ')});`)}
    }
  }
${eachGroup((g) => `${g > 0 ? '  workgroupBarrier();\n' : ''}  finish(sums${g}, row + ${groupRows * g}u, first, lane, local);`)}
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
