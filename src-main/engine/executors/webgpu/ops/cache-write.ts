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
  strideOf,
  THREADS,
} from '../shader.ts';
import { type KvLayout, kvElement } from '../kv-storage.ts';

/** Puts k and v into the cells of the rows. Bindings: run, k, v, keys, values. */
export function cacheWrite(run: RunLayout, kv: KvLayout): Kernel {
  const { kvHeads, headDim, type } = kv;
  const quads = Math.ceil(headDim / 4);
  const perCell = kvHeads * quads;
  const { name, store } = kvElement(type);
  const stride = strideOf(kvHeads * headDim);
  const load = (source: string) =>
    `vec4f(${[0, 1, 2, 3].map((i) => `select(0.0, ${source}[min(start + ${i}u, last)], d + ${i}u < ${headDim}u)`).join(', ')})`;
  return {
    workgroups: (rows) => spread(Math.ceil((rows * perCell) / THREADS)),
    code: `${declare([
      ['run', 'array<u32>'],
      ['k', 'array<f32>'],
      ['v', 'array<f32>'],
      ['keys', `array<${name}>`, 'read_write'],
      ['values', `array<${name}>`, 'read_write'],
    ])}
${runCode(run)}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  let row = i / ${perCell}u;
  if (row >= run[${RUN.rows}]) {
    return;
  }
  let quad = i % ${perCell}u;
  let d = 4u * (quad % ${quads}u);
  let start = row * ${stride}u + (quad / ${quads}u) * ${headDim}u + d;
  let last = (row + 1u) * ${stride}u - 1u;
  let to = ofRow(row, ${ROW.cell}u) * ${perCell}u + quad;
  let key = ${load('k')};
  let value = ${load('v')};
  keys[to] = ${store('key')};
  values[to] = ${store('value')};
}
`,
  };
}
