import type { AttentionAttributes } from '../../../program/ops.ts';
import {
  capped,
  declare,
  float,
  type Kernel,
  MAIN,
  ROW,
  runCode,
  type RunLayout,
  strideOf,
  TANH,
  THREADS,
} from '../shader.ts';
import { type KvElement, type GpuKvType, kvElement } from '../kv-storage.ts';

/** Lower than any score, and its exponential is 0 without an infinity. */
const LOWEST = '-3.0e38';

/** WGSL that both kernels share: a query in the workgroup's memory, its scores, and sums over the workgroup. */
function common(run: RunLayout, attributes: AttentionAttributes, { load }: KvElement): string {
  const { heads, kvHeads, headDim, scale, softcap } = attributes;
  const quads = Math.ceil(headDim / 4);
  const perCell = kvHeads * quads;
  return `${runCode(run)}${softcap === null ? '' : TANH}
var<workgroup> query: array<vec4f, ${quads}>;
var<workgroup> partial: array<f32, ${THREADS}>;

/** First element of K or V of a head in a cell. */
fn elementOf(cell: u32, head: u32) -> u32 {
  return cell * ${perCell}u + (head * ${kvHeads}u / ${heads}u) * ${quads}u;
}

fn loadQuery(row: u32, head: u32, local: u32) {
  for (var quad = local; quad < ${quads}u; quad += ${THREADS}u) {
    var values = vec4f();
    for (var i = 0u; i < 4u; i += 1u) {
      let d = 4u * quad + i;
      if (d < ${headDim}u) {
        values[i] = q[row * ${strideOf(heads * headDim)}u + head * ${headDim}u + d];
      }
    }
    query[quad] = values;
  }
  workgroupBarrier();
}

fn scoreOf(element: u32) -> f32 {
  var sum = 0.0;
  for (var quad = 0u; quad < ${quads}u; quad += 1u) {
    sum += dot(query[quad], ${load('keys[element + quad]')});
  }
  let scaled = sum * ${float(scale)};
  return ${capped('scaled', softcap)};
}

fn maximumOf(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  partial[local] = value;
  workgroupBarrier();
  for (var step = ${THREADS / 2}u; step > 0u; step >>= 1u) {
    if (local < step) {
      partial[local] = max(partial[local], partial[local + step]);
    }
    workgroupBarrier();
  }
  return partial[0];
}

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
}

/**
 * Attention of one head of one row per workgroup, with the online softmax (Milakov and Gimelshein, 2018): 64 cells at a
 * time, each thread the score of one, then each thread four values of the sum over V.
 *
 * Bindings: run, contexts, q, keys, values, y.
 */
export function attention(run: RunLayout, attributes: AttentionAttributes, type: GpuKvType): Kernel {
  const { heads, headDim, window } = attributes;
  const element = kvElement(type);
  const quads = Math.ceil(headDim / 4);
  const perThread = Math.ceil(quads / THREADS);
  return {
    workgroups: (rows) => [heads, rows, 1],
    code: `${declare([
      ['run', 'array<u32>'],
      ['contexts', 'array<u32>'],
      ['q', 'array<f32>'],
      ['keys', `array<${element.name}>`],
      ['values', `array<${element.name}>`],
      ['y', 'array<f32>', 'read_write'],
    ])}${common(run, attributes, element)}
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
  for (var first = ofRow(row, ${run.windows.get(window)}u); first < end; first += ${THREADS}u) {
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
      if (quad < ${quads}u) {
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
      if (d < ${headDim}u) {
        y[row * ${strideOf(heads * headDim)}u + head * ${headDim}u + d] = result[i];
      }
    }
  }
}
`,
  };
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
  const { heads, window } = attributes;
  const element = kvElement(type);
  return {
    workgroups: (rows) => [heads, rows, 1],
    code: `${declare([
      ['run', 'array<u32>'],
      ['contexts', 'array<u32>'],
      ['q', 'array<f32>'],
      ['keys', `array<${element.name}>`],
      ['y', 'array<f32>', 'read_write'],
    ])}${common(run, attributes, element)}
${MAIN} {
  let head = group.x;
  let row = group.y;
  let start = ofRow(row, ${run.windows.get(window)}u);
  let end = ofRow(row, ${ROW.end}u);
  let to = (head * groups.y + row) * ${context}u - ofRow(row, ${ROW.context}u);
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
  };
}
