import { GROUP_INDEX, type Kernel, kernel, MAIN, OF_ROW, ROW, RUN, type RunLayout, spread, strideOf, THREADS } from '../shader.ts'; // prettier-ignore
import { type KvLayout, kvElement } from '../kv-storage.ts';

/** Puts k and v into the cells of the rows. Bindings: run, k, v, keys, values. */
export function cacheWrite({ record }: RunLayout, { kvHeads, headDim, type }: KvLayout): Kernel {
  const quads = Math.ceil(headDim / 4);
  const perCell = kvHeads * quads;
  const { name, storing, store } = kvElement(type);
  const load = (source: string) =>
    `vec4f(${[0, 1, 2, 3].map((i) => `select(0.0, ${source}[min(start + ${i}u, last)], d + ${i}u < shape.headDim)`).join(', ')})`;
  return kernel(
    [
      ['run', 'array<u32>'],
      ['k', 'array<f32>'],
      ['v', 'array<f32>'],
      ['keys', `array<${name}>`, 'read_write'],
      ['values', `array<${name}>`, 'read_write'],
    ],
    { integers: { record, stride: strideOf(kvHeads * headDim), perCell, quads, headDim } },
    `${OF_ROW}${storing}
${MAIN} {
  let i = ${GROUP_INDEX} * ${THREADS}u + local;
  let row = i / shape.perCell;
  if (row >= run[${RUN.rows}]) {
    return;
  }
  let quad = i % shape.perCell;
  let d = 4u * (quad % shape.quads);
  let start = row * shape.stride + (quad / shape.quads) * shape.headDim + d;
  let last = (row + 1u) * shape.stride - 1u;
  let to = ofRow(row, ${ROW.cell}u) * shape.perCell + quad;
  let key = ${load('k')};
  let value = ${load('v')};
  keys[to] = ${store('key')};
  values[to] = ${store('value')};
}
`,
    (rows) => spread(Math.ceil((rows * perCell) / THREADS)),
  );
}
