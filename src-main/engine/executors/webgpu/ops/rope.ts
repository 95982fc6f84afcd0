import type { RopeAttributes } from '../../../program/ops.ts';
import { GROUP_INDEX, type Kernel, kernel, MAIN, OF_ROW, RUN, type RunLayout, spread, strideOf, THREADS } from '../shader.ts'; // prettier-ignore

/**
 * Rotates the pairs of every head. The angles come from the CPU: WGSL guarantees only 2^-11 for cos and sin.
 * Bindings: run, x, y.
 * @param angles first word of cos and sin in a row's record
 */
export function rope({ record }: RunLayout, width: number, attributes: RopeAttributes, angles: number): Kernel {
  const { headDim, pairing, frequencies } = attributes;
  const pairs = frequencies.length;
  const stride = strideOf(width);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['x', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { record, stride, width, headDim, pairs, angles, distance: pairing === 'halves' ? pairs : 1 } },
    `${OF_ROW}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * shape.stride) {
    return;
  }
  let row = i / shape.stride;
  let column = i % shape.stride;
  let d = column % shape.headDim;
  if (column >= shape.width || d >= 2u * shape.pairs) {
    y[i] = x[i];
    return;
  }
  // The values of a pair are \`distance\` apart: 1, or as many as there are pairs.
  let isFirst = (d / shape.distance) % 2u == 0u;
  let pair = select(d / 2u, d % shape.pairs, shape.distance == shape.pairs);
  let cosine = bitcast<f32>(ofRow(row, shape.angles + pair));
  let sine = bitcast<f32>(ofRow(row, shape.angles + shape.pairs + pair));
  if (isFirst) {
    y[i] = x[i] * cosine - x[i + shape.distance] * sine;
  } else {
    y[i] = x[i - shape.distance] * sine + x[i] * cosine;
  }
}
`,
    (rows) => spread(Math.ceil((rows * stride) / THREADS)),
  );
}
