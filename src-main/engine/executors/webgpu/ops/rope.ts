import type { RopeAttributes } from '../../../program/ops.ts';
import {
  GROUP_INDEX,
  type Kernel,
  kernel,
  MAIN,
  OF_ROW,
  ROTATION,
  rotationFields,
  RUN,
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
export function rope({ record }: RunLayout, width: number, attributes: RopeAttributes, angles: number): Kernel {
  const { headDim } = attributes;
  const stride = strideOf(width);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['x', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { record, stride, width, headDim, ...rotationFields(attributes, angles) } },
    `${OF_ROW}${ROTATION}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * shape.stride) {
    return;
  }
  let column = i % shape.stride;
  let d = column % shape.headDim;
  if (column >= shape.width || d >= 2u * shape.pairs) {
    y[i] = x[i];
    return;
  }
  let other = select(i - shape.distance, i + shape.distance, isFirstOfPair(d));
  y[i] = rotated(x[i], x[other], d, i / shape.stride);
}
`,
    (rows) => spread(Math.ceil((rows * stride) / THREADS)),
  );
}
