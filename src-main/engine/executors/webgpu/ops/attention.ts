import type { AttentionAttributes } from '../../../program/ops.ts';
import {
  type Binding,
  CAP,
  type Kernel,
  kernel,
  MAIN,
  OF_ROW,
  ROW,
  type RunLayout,
  type ShapeFields,
  strideOf,
  THREADS,
} from '../shader.ts';
import { type GpuKvType, kvElement, type KvElement } from '../kv-storage.ts';
import { maximumOf, sumOf, type SubgroupSize } from '../reductions.ts';
import { LOWEST, MERGING, SLICE_LENGTH, sliceFields, slicesOf, sliceStrideOf } from './attention-slices.ts';

/** Groups of four values of a head that each thread sums: one, up to heads of 256. */
const quadsPerThread = (headDim: number) => Math.ceil(headDim / 4 / THREADS);

function shapeOf({ record, windows }: RunLayout, attributes: AttentionAttributes): Required<ShapeFields> {
  const { heads, kvHeads, headDim, scale, softcap, window } = attributes;
  const quads = Math.ceil(headDim / 4);
  return {
    integers: {
      ...{ record, heads, kvHeads, headDim, quads, stride: strideOf(heads * headDim) },
      // The field of a row's record.
      window: windows.get(window)!,
    },
    floats: { scale, softcap: softcap ?? 0 },
  };
}

/** WGSL that both kernels share: a query in the workgroup's memory, its scores, and sums over the workgroup. */
const common = (
  { load }: KvElement,
  perThread: number,
  subgroup: SubgroupSize,
): string => `${OF_ROW}${CAP}${sumOf(subgroup)}${maximumOf(subgroup)}
var<workgroup> query: array<vec4f, ${perThread * THREADS}>;

/** First element of K or V of a head in a cell. */
fn elementOf(cell: u32, head: u32) -> u32 {
  return (cell * shape.kvHeads + head * shape.kvHeads / shape.heads) * shape.quads;
}

fn loadQuery(row: u32, head: u32, local: u32) {
  for (var quad = local; quad < shape.quads; quad += ${THREADS}u) {
    var values = vec4f();
    for (var i = 0u; i < 4u; i += 1u) {
      let d = 4u * quad + i;
      if (d < shape.headDim) {
        values[i] = q[row * shape.stride + head * shape.headDim + d];
      }
    }
    query[quad] = values;
  }
  workgroupBarrier();
}

fn scoreOf(element: u32) -> f32 {
  var sum = 0.0;
  for (var quad = 0u; quad < shape.quads; quad += 1u) {
    sum += dot(query[quad], ${load('keys[element + quad]')});
  }
  return capped(sum * shape.scale, shape.softcap);
}
`;

/**
 * WGSL of the online softmax over some entries of a context (Milakov and Gimelshein, 2018): 64 cells at a time, each thread
 * the score of one, then each thread four values of the sum over V.
 */
const slices = ({ load }: KvElement, perThread: number): string => `
var<workgroup> weights: array<f32, ${THREADS}>;
var<workgroup> elements: array<u32, ${THREADS}>;
/** Of a slice: the highest score, the sum of e^(score - highest), and the sums over V with these weights. */
var<private> sliceHighest: f32;
var<private> sliceTotal: f32;
var<private> sliceSums: array<vec4f, ${perThread}>;

fn attend(start: u32, end: u32, head: u32, local: u32) {
  var highest = ${LOWEST};
  var total = 0.0;
  for (var part = 0u; part < ${perThread}u; part += 1u) {
    sliceSums[part] = vec4f();
  }
  for (var first = start; first < end; first += ${THREADS}u) {
    let count = min(${THREADS}u, end - first);
    var score = ${LOWEST};
    if (local < count) {
      let element = elementOf(contexts[first + local], head);
      elements[local] = element;
      score = scoreOf(element);
    }
    let next = max(highest, maximumOf(score, local));
    let factor = exp(highest - next);
    highest = next;
    let weight = select(0.0, exp(score - next), local < count);
    weights[local] = weight;
    total = total * factor + sumOf(weight, local);
    for (var part = 0u; part < ${perThread}u; part += 1u) {
      let quad = part * ${THREADS}u + local;
      if (quad < shape.quads) {
        var sum = sliceSums[part] * factor;
        for (var i = 0u; i < count; i += 1u) {
          sum += weights[i] * ${load('values[elements[i] + quad]')};
        }
        sliceSums[part] = sum;
      }
    }
    workgroupBarrier();
  }
  sliceHighest = highest;
  sliceTotal = total;
}
`;

const BINDINGS = ({ name }: KvElement): readonly Binding[] => [
  ['run', 'array<u32>'],
  ['contexts', 'array<u32>'],
  ['q', 'array<f32>'],
  ['keys', `array<${name}>`],
  ['values', `array<${name}>`],
  ['y', 'array<f32>', 'read_write'],
];

/**
 * Attention of one head of one row per workgroup. It merges the slices of its context one after the other, so that a token
 * gives the same bits as from `attentionSlices`.
 *
 * Bindings: run, contexts, q, keys, values, y.
 */
export function attention(
  run: RunLayout,
  attributes: AttentionAttributes,
  type: GpuKvType,
  sliceCells: number,
): Kernel {
  const element = kvElement(type);
  const perThread = quadsPerThread(attributes.headDim);
  const { integers, floats } = shapeOf(run, attributes);
  return kernel(
    BINDINGS(element),
    { integers: { ...integers, ...sliceFields(sliceCells) }, floats },
    (subgroup) => `${common(element, perThread, subgroup)}${slices(element, perThread)}${SLICE_LENGTH}${MERGING}
${MAIN} {
  let head = group.x;
  let row = group.y;
  let end = ofRow(row, ${ROW.end}u);
  let start = ofRow(row, shape.window);
  let length = sliceLength(end - start);
  loadQuery(row, head, local);
  var merged = EMPTY;
  var sums: array<vec4f, ${perThread}>;
  for (var first = start; first < end; first += length) {
    attend(first, min(first + length, end), head, local);
    merged = withSlice(merged, sliceHighest, sliceTotal);
    for (var part = 0u; part < ${perThread}u; part += 1u) {
      sums[part] = sums[part] * merged.before + sliceSums[part] * merged.now;
    }
  }
  for (var part = 0u; part < ${perThread}u; part += 1u) {
    let result = sums[part] / merged.total;
    for (var i = 0u; i < 4u; i += 1u) {
      let d = 4u * (part * ${THREADS}u + local) + i;
      if (d < shape.headDim) {
        y[row * shape.stride + head * shape.headDim + d] = result[i];
      }
    }
  }
}
`,
    (rows) => [attributes.heads, rows, 1],
  );
}

/**
 * Attention of one head of one row over one slice of its context per workgroup, for few rows, whose heads alone do not
 * keep a GPU busy. `linear` merges the slices.
 *
 * Bindings: run, contexts, q, keys, values, y: `[rows, slices, sliceStride]` with the sums over V of all heads, then the
 * highest score and the total of each head.
 * @param slices in a row of y
 */
export function attentionSlices(
  run: RunLayout,
  attributes: AttentionAttributes,
  type: GpuKvType,
  sliceCells: number,
  slicesPerRow: number,
): Kernel {
  const { heads, headDim, window } = attributes;
  const element = kvElement(type);
  const perThread = quadsPerThread(headDim);
  const { integers, floats } = shapeOf(run, attributes);
  const sliceStride = sliceStrideOf(attributes);
  return kernel(
    BINDINGS(element),
    { integers: { ...integers, ...sliceFields(sliceCells), sliceStride, slicesPerRow }, floats },
    (subgroup) => `${common(element, perThread, subgroup)}${slices(element, perThread)}${SLICE_LENGTH}
${MAIN} {
  let head = group.x;
  let row = group.y;
  let end = ofRow(row, ${ROW.end}u);
  let start = ofRow(row, shape.window);
  let length = sliceLength(end - start);
  let first = start + group.z * length;
  // Another row, or another window, may have more slices.
  if (first >= end) {
    return;
  }
  loadQuery(row, head, local);
  attend(first, min(first + length, end), head, local);
  let to = (row * shape.slicesPerRow + group.z) * shape.sliceStride;
  for (var part = 0u; part < ${perThread}u; part += 1u) {
    for (var i = 0u; i < 4u; i += 1u) {
      let d = 4u * (part * ${THREADS}u + local) + i;
      if (d < shape.headDim) {
        y[to + head * shape.headDim + d] = sliceSums[part][i];
      }
    }
  }
  if (local == 0u) {
    y[to + shape.stride + 2u * head] = sliceHighest;
    y[to + shape.stride + 2u * head + 1u] = sliceTotal;
  }
}
`,
    (rows, longest) => [heads, rows, slicesOf(Math.min(longest, window ?? Infinity), sliceCells)],
  );
}

/**
 * The softmax weights of one head of one row per workgroup, for a tap: `[heads, rows, context]`, zeros for what the row
 * does not attend to.
 *
 * Bindings: run, contexts, q, keys, y.
 * @param context columns
 */
export function attentionWeights(
  run: RunLayout,
  attributes: AttentionAttributes,
  type: GpuKvType,
  context: number,
): Kernel {
  const element = kvElement(type);
  const { integers, floats } = shapeOf(run, attributes);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['contexts', 'array<u32>'],
      ['q', 'array<f32>'],
      ['keys', `array<${element.name}>`],
      ['y', 'array<f32>', 'read_write'],
    ],
    { integers: { ...integers, context }, floats },
    (subgroup) => `${common(element, quadsPerThread(attributes.headDim), subgroup)}
${MAIN} {
  let head = group.x;
  let row = group.y;
  let start = ofRow(row, shape.window);
  let end = ofRow(row, ${ROW.end}u);
  let first = ofRow(row, ${ROW.context}u);
  let to = (head * groups.y + row) * shape.context - first;
  loadQuery(row, head, local);
  // The slice before may have left others.
  for (var i = first + local; i < first + shape.context; i += ${THREADS}u) {
    if (i < start || i >= end) {
      y[to + i] = 0.0;
    }
  }
  var highest = ${LOWEST};
  for (var i = start + local; i < end; i += ${THREADS}u) {
    let score = scoreOf(elementOf(contexts[i], head));
    y[to + i] = score;
    highest = max(highest, score);
  }
  highest = maximumOf(highest, local);
  var total = 0.0;
  for (var i = start + local; i < end; i += ${THREADS}u) {
    total += exp(y[to + i] - highest);
  }
  total = sumOf(total, local);
  for (var i = start + local; i < end; i += ${THREADS}u) {
    y[to + i] = exp(y[to + i] - highest) / total;
  }
}
`,
    (rows) => [attributes.heads, rows, 1],
  );
}
