import type { RopeAttributes } from '../../../program/ops.ts';
import {
  declare,
  GROUP_INDEX,
  type Kernel,
  MAIN,
  RUN,
  runCode,
  type RunLayout,
  spread,
  strideOf,
  THREADS,
} from '../shader.ts';

/**
 * Rotates the pairs of every head. The angles come from the CPU: WGSL guarantees only 2^-11 for cos and sin.
 * Bindings: run, x, y.
 * @param angles first word of cos and sin in a row's record
 */
export function rope(run: RunLayout, width: number, attributes: RopeAttributes, angles: number): Kernel {
  const { headDim, pairing, frequencies } = attributes;
  const pairs = frequencies.length;
  const stride = strideOf(width);
  const halves = pairing === 'halves';
  return {
    workgroups: (rows) => spread(Math.ceil((rows * stride) / THREADS)),
    code: `${declare([
      ['run', 'array<u32>'],
      ['x', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ])}
${runCode(run)}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * ${stride}u) {
    return;
  }
  let row = i / ${stride}u;
  let column = i % ${stride}u;
  let d = column % ${headDim}u;
  if (column >= ${width}u || d >= ${2 * pairs}u) {
    y[i] = x[i];
    return;
  }
  let pair = ${halves ? `d % ${pairs}u` : 'd / 2u'};
  let isFirst = ${halves ? `d < ${pairs}u` : 'd % 2u == 0u'};
  let cosine = bitcast<f32>(ofRow(row, ${angles}u + pair));
  let sine = bitcast<f32>(ofRow(row, ${angles + pairs}u + pair));
  if (isFirst) {
    y[i] = x[i] * cosine - x[i + ${halves ? pairs : 1}u] * sine;
  } else {
    y[i] = x[i - ${halves ? pairs : 1}u] * sine + x[i] * cosine;
  }
}
`,
  };
}
