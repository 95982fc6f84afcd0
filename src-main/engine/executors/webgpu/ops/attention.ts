import type { AttentionAttributes } from '../../../program/ops.ts';
import {
  CAP,
  type Kernel,
  kernel,
  MAIN,
  MAXIMUM_OF,
  OF_ROW,
  ROW,
  type RunLayout,
  type ShapeFields,
  strideOf,
  sumOf,
  THREADS,
} from '../shader.ts';
import { type GpuKvType, kvElement, type KvElement } from '../kv-storage.ts';

/** Lower than any score, and its exponential is 0 without an infinity. */
const LOWEST = '-3.0e38';

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
const common = ({ load }: KvElement, perThread: number): string => `${OF_ROW}${CAP}${sumOf()}${MAXIMUM_OF}
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
 * Attention of one head of one row per workgroup, with the online softmax (Milakov and Gimelshein, 2018): 64 cells at a
 * time, each thread the score of one, then each thread four values of the sum over V.
 *
 * Bindings: run, contexts, q, keys, values, y.
 */
export function attention(run: RunLayout, attributes: AttentionAttributes, type: GpuKvType): Kernel {
  const element = kvElement(type);
  const perThread = quadsPerThread(attributes.headDim);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['contexts', 'array<u32>'],
      ['q', 'array<f32>'],
      ['keys', `array<${element.name}>`],
      ['values', `array<${element.name}>`],
      ['y', 'array<f32>', 'read_write'],
    ],
    shapeOf(run, attributes),
    `${common(element, perThread)}
var<workgroup> weights: array<f32, ${THREADS}>;
var<workgroup> elements: array<u32, ${THREADS}>;

${MAIN} {
  let head = group.x;
  let row = group.y;
  let end = ofRow(row, ${ROW.end}u);
  loadQuery(row, head, local);
  var highest = ${LOWEST};
  var total = 0.0;
  var sums: array<vec4f, ${perThread}>;
  for (var first = ofRow(row, shape.window); first < end; first += ${THREADS}u) {
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
        var sum = sums[part] * factor;
        for (var i = 0u; i < count; i += 1u) {
          sum += weights[i] * ${element.load('values[elements[i] + quad]')};
        }
        sums[part] = sum;
      }
    }
    workgroupBarrier();
  }
  for (var part = 0u; part < ${perThread}u; part += 1u) {
    let result = sums[part] / total;
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
 * The softmax weights of one head of one row per workgroup, for a tap: `[heads, rows, context]`, zeros on entry.
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
    `${common(element, quadsPerThread(attributes.headDim))}
${MAIN} {
  let head = group.x;
  let row = group.y;
  let start = ofRow(row, shape.window);
  let end = ofRow(row, ${ROW.end}u);
  let to = (head * groups.y + row) * shape.context - ofRow(row, ${ROW.context}u);
  loadQuery(row, head, local);
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
