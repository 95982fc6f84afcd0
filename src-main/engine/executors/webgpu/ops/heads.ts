import type { AttentionAttributes, RopeAttributes } from '../../../program/ops.ts';
import { type GpuKvType, kvElement } from '../kv-storage.ts';
import { sumOf } from '../reductions.ts';
import {
  type Kernel,
  kernel,
  MAIN,
  OF_ROW,
  ROTATION,
  rotationFields,
  ROW,
  type RunLayout,
  strideOf,
  THREADS,
} from '../shader.ts';

/** An RMS norm of each `part` values of q or k. */
export interface PartNorm {
  readonly part: number;
  readonly eps: number;
}

export interface HeadsShape {
  readonly attention: AttentionAttributes;
  readonly q: PartNorm | null;
  readonly k: PartNorm | null;
  readonly rope: RopeAttributes | null;
  /** First word of cos and sin in a row's record. */
  readonly angles: number;
}

/**
 * Takes q, k and v of a row side by side, normalises and rotates q and k, and puts k and v into the row's cell. A
 * workgroup has the part of one norm, or one head.
 *
 * Bindings: run, x, qGain, kGain, y (the queries), keys, values. Without a norm, the gain is any buffer that is not written.
 */
export function heads({ record }: RunLayout, { attention, q, k, rope, angles }: HeadsShape, type: GpuKvType): Kernel {
  const { heads, kvHeads, headDim } = attention;
  const [qWidth, kvWidth] = [heads * headDim, kvHeads * headDim];
  const [qPart, kPart] = [q?.part ?? headDim, k?.part ?? headDim];
  const [qParts, kParts] = [qWidth / qPart, kvWidth / kPart];
  const { name, storing, store } = kvElement(type);
  return kernel(
    [
      ['run', 'array<u32>'],
      ['x', 'array<f32>'],
      ['qGain', 'array<f32>'],
      ['kGain', 'array<f32>'],
      ['y', 'array<f32>', 'read_write'],
      ['keys', `array<${name}>`, 'read_write'],
      ['values', `array<${name}>`, 'read_write'],
    ],
    {
      integers: {
        ...{ record, headDim, qWidth, kvWidth, qPart, kPart, qParts, kParts },
        ...{ stride: strideOf(qWidth + 2 * kvWidth), qStride: strideOf(qWidth) },
        ...{ quads: Math.ceil(headDim / 4), perCell: kvHeads * Math.ceil(headDim / 4) },
        ...{ qNorm: Number(q !== null), kNorm: Number(k !== null), ...rotationFields(rope, angles) },
      },
      floats: { qEps: q?.eps ?? 0, kEps: k?.eps ?? 0 },
    },
    (subgroup) => `${OF_ROW}${ROTATION}${storing}${sumOf(subgroup)}
const QUERY = 0u;
const KEY = 1u;
const VALUE = 2u;

/** Value i of a part that begins at \`start\`, normalised. */
fn valueOf(kind: u32, start: u32, i: u32, factor: f32) -> f32 {
  let value = x[start + i];
  if (kind == QUERY && shape.qNorm == 1u) {
    return value * factor * qGain[i];
  }
  if (kind == KEY && shape.kNorm == 1u) {
    return value * factor * kGain[i];
  }
  return value;
}

${MAIN} {
  let row = group.y;
  var kind = QUERY;
  var part = group.x;
  var size = shape.qPart;
  var column = 0u;
  var normed = shape.qNorm == 1u;
  var eps = shape.qEps;
  if (group.x >= shape.qParts) {
    kind = KEY;
    part = group.x - shape.qParts;
    size = shape.kPart;
    column = shape.qWidth;
    normed = shape.kNorm == 1u;
    eps = shape.kEps;
  }
  if (group.x >= shape.qParts + shape.kParts) {
    kind = VALUE;
    part = group.x - shape.qParts - shape.kParts;
    size = shape.headDim;
    column = shape.qWidth + shape.kvWidth;
    normed = false;
  }
  let first = part * size;
  let start = row * shape.stride + column + first;
  var factor = 1.0;
  if (normed) {
    var squares = 0.0;
    for (var i = local; i < size; i += ${THREADS}u) {
      squares += x[start + i] * x[start + i];
    }
    factor = 1.0 / sqrt(sumOf(squares, local) / f32(size) + eps);
  }
  for (var i = local; i < size / shape.headDim * shape.quads; i += ${THREADS}u) {
    let quad = i % shape.quads;
    let inPart = i / shape.quads * shape.headDim;
    let head = first / shape.headDim + i / shape.quads;
    var four = vec4f();
    for (var j = 0u; j < 4u; j += 1u) {
      let d = 4u * quad + j;
      if (d >= shape.headDim) {
        break;
      }
      var value = valueOf(kind, start, inPart + d, factor);
      if (kind != VALUE && d < 2u * shape.pairs) {
        let other = select(inPart + d - shape.distance, inPart + d + shape.distance, isFirstOfPair(d));
        value = rotated(value, valueOf(kind, start, other, factor), d, row);
      }
      four[j] = value;
      if (kind == QUERY) {
        y[row * shape.qStride + head * shape.headDim + d] = value;
      }
    }
    let to = ofRow(row, ${ROW.cell}u) * shape.perCell + head * shape.quads + quad;
    if (kind == KEY) {
      keys[to] = ${store('four')};
    }
    if (kind == VALUE) {
      values[to] = ${store('four')};
    }
  }
}
`,
    (rows) => [qParts + kParts + kvHeads, rows, 1],
  );
}
