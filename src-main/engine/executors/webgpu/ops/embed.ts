import {
  GROUP_INDEX,
  type Kernel,
  kernel,
  MAIN,
  OF_ROW,
  ROW,
  RUN,
  type RunLayout,
  spread,
  THREADS,
} from '../shader.ts';
import { planesOf, unpackingCode, type GpuWeightLayout } from '../weight-layouts.ts';

/**
 * Rows of a table by token or position; rows outside this part of the table stay unchanged. Bindings: run, weights, y.
 * @param place row of the bound weights with the part's first
 */
export function embed(
  { record }: RunLayout,
  layout: GpuWeightLayout,
  width: number,
  { index, firstRow, rows, place }: { index: 'token' | 'position'; firstRow: number; rows: number; place: number },
): Kernel {
  const quads = Math.ceil(width / 4);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['weights', 'array<u32>'],
      ['y', 'array<vec4f>', 'read_write'],
    ],
    { integers: { record, quads, field: ROW[index], firstRow, rows, place, ...planesOf(layout, width) } },
    `${OF_ROW}${unpackingCode(layout)}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * shape.quads) {
    return;
  }
  let entry = ofRow(i / shape.quads, shape.field) - shape.firstRow;
  if (entry < shape.rows) {
    y[i] = weights4(shape.place + entry, i % shape.quads);
  }
}
`,
    (count) => spread(Math.ceil((count * quads) / THREADS)),
  );
}
