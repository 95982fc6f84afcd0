/** Normalisation of rows, or of their parts: one workgroup each. */
import { declare, float, GROUP_INDEX, type Kernel, MAIN, spread, strideOf, THREADS } from '../shader.ts';

/** WGSL of a sum over the workgroup, which every thread gets. */
const SUM = `
var<workgroup> partial: array<f32, ${THREADS}>;
fn sumOf(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  partial[local] = value;
  workgroupBarrier();
  for (var step = ${THREADS / 2}u; step > 0u; step >>= 1u) {
    if (local < step) {
      partial[local] += partial[local + step];
    }
    workgroupBarrier();
  }
  return partial[0];
}
`;

/** Bindings: x, gain, y. */
export function rmsNorm(width: number, part: number, eps: number): Kernel {
  const parts = width / part;
  return {
    workgroups: (rows) => spread(parts, rows),
    code: `${declare([
      ['x', 'array<f32>'],
      ['gain', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ])}
${SUM}
${MAIN} {
  let start = group.z * ${strideOf(width)}u + ${GROUP_INDEX} * ${part}u;
  var squares = 0.0;
  for (var i = local; i < ${part}u; i += ${THREADS}u) {
    squares += x[start + i] * x[start + i];
  }
  let factor = 1.0 / sqrt(sumOf(squares, local) / ${float(part)} + ${float(eps)});
  for (var i = local; i < ${part}u; i += ${THREADS}u) {
    y[start + i] = x[start + i] * factor * gain[i];
  }
}
`,
  };
}

/** Bindings: x, gain, bias, y. The variance is the mean of squared differences, which does not cancel. */
export function layerNorm(width: number, eps: number): Kernel {
  return {
    workgroups: (rows) => spread(1, rows),
    code: `${declare([
      ['x', 'array<f32>'],
      ['gain', 'array<f32>'],
      ['bias', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ])}
${SUM}
${MAIN} {
  let start = (group.z + ${GROUP_INDEX}) * ${strideOf(width)}u;
  var sum = 0.0;
  for (var i = local; i < ${width}u; i += ${THREADS}u) {
    sum += x[start + i];
  }
  let mean = sumOf(sum, local) / ${float(width)};
  var squares = 0.0;
  for (var i = local; i < ${width}u; i += ${THREADS}u) {
    let difference = x[start + i] - mean;
    squares += difference * difference;
  }
  let factor = 1.0 / sqrt(sumOf(squares, local) / ${float(width)} + ${float(eps)});
  for (var i = local; i < ${width}u; i += ${THREADS}u) {
    y[start + i] = (x[start + i] - mean) * factor * gain[i] + bias[i];
  }
}
`,
  };
}
