import {
  declare,
  GROUP_INDEX,
  type Kernel,
  MAIN,
  ROW,
  RUN,
  runCode,
  type RunLayout,
  spread,
  THREADS,
} from '../shader.ts';
import { unpackingCode, type GpuWeightLayout } from '../weight-layouts.ts';

/** Rows of a table by token or position; rows outside of this part of the table are left. Bindings: run, weights, y. */
export function embed(
  run: RunLayout,
  layout: GpuWeightLayout,
  width: number,
  { index, firstRow, rows }: { index: 'token' | 'position'; firstRow: number; rows: number },
): Kernel {
  const quads = Math.ceil(width / 4);
  return {
    workgroups: (count) => spread(Math.ceil((count * quads) / THREADS)),
    code: `${declare([
      ['run', 'array<u32>'],
      ['weights', 'array<u32>'],
      ['y', 'array<vec4f>', 'read_write'],
    ])}
${runCode(run)}${unpackingCode(layout, width)}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  if (i >= run[${RUN.rows}] * ${quads}u) {
    return;
  }
  let entry = ofRow(i / ${quads}u, ${ROW[index]}u) - ${firstRow}u;
  if (entry < ${rows}u) {
    y[i] = weights4(entry, i % ${quads}u);
  }
}
`,
  };
}
