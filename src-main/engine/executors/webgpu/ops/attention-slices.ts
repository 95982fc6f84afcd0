/**
 * How the context of a row is divided into slices, whose attention is computed separately and merged. The slices depend
 * only on how many cells the row attends to, so that a token gives the same bits in any batch.
 */
import type { AttentionAttributes } from '../../../program/ops.ts';
import { strideOf, THREADS } from '../shader.ts';

/** Shortest context with two slices, in cells. Each slice costs one more read of its sums in every workgroup of `linear`. */
export const SLICE_CELLS = 256;
/** Most slices of a row: enough workgroups for a large GPU, with as few heads as small models have. */
const MOST_SLICES = 16;
/** Heads whose factors fit into the memory of a workgroup in `linear`. */
const MOST_HEADS = 64;

/** Lower than any score, and its exponential is 0 without an infinity. */
export const LOWEST = '-3.0e38';

/** Slices of a row that attends to `cells` cells, at most. */
export function slicesOf(cells: number, sliceCells: number): number {
  return Math.min(MOST_SLICES, Math.max(1, Math.ceil(cells / sliceCells)));
}

/** Fields of the shape that `SLICE_LENGTH` reads. */
export function sliceFields(sliceCells: number): Record<string, number> {
  return { sliceCells, granule: Math.min(THREADS, sliceCells) };
}

/** WGSL of the cells in each slice of a row, but the last: whole groups of as many as are computed together. */
export const SLICE_LENGTH = `
fn sliceLength(cells: u32) -> u32 {
  let slices = clamp((cells + shape.sliceCells - 1u) / shape.sliceCells, 1u, ${MOST_SLICES}u);
  let even = (cells + slices - 1u) / slices;
  return (even + shape.granule - 1u) / shape.granule * shape.granule;
}
`;

/** WGSL that merges slices in order. Both kernels that do it must give the same bits. */
export const MERGING = `
struct Merged {
  highest: f32,
  /** The sum of e^(score - highest) so far. */
  total: f32,
  /** Factors of the sums over V: of those so far, and of the last slice's. */
  before: f32,
  now: f32,
}
const EMPTY = Merged(${LOWEST}, 0.0, 0.0, 0.0);

fn withSlice(merged: Merged, highest: f32, total: f32) -> Merged {
  let next = max(merged.highest, highest);
  let before = exp(merged.highest - next);
  let now = exp(highest - next);
  return Merged(next, merged.total * before + total * now, before, now);
}
`;

/** Values of a slice: sums over V of all heads, then the highest score and the total of each. */
export function sliceStrideOf({ heads, headDim }: Pick<AttentionAttributes, 'heads' | 'headDim'>): number {
  return strideOf(heads * headDim) + strideOf(2 * heads);
}

/** An attention whose slices a product merges as it reads them. */
export interface MergedSlices {
  /** Its heads are whole groups of four values, at most `MOST_HEADS`. */
  readonly attention: AttentionAttributes;
  readonly sliceCells: number;
  readonly slicesPerRow: number;
  /** Words of a row's record, and the one with the start of the attention's window. */
  readonly record: number;
  readonly window: number;
}

/** Whether a product can merge the slices of this attention, and there are any. */
export function canMerge({ heads, headDim, window }: AttentionAttributes, cells: number, sliceCells: number): boolean {
  return heads <= MOST_HEADS && headDim % 4 === 0 && slicesOf(Math.min(cells, window ?? Infinity), sliceCells) > 1;
}

/** Fields of the shape that `merged4` reads. */
export function mergeFields(merged: MergedSlices): Record<string, number> {
  const { attention, slicesPerRow, record, window, sliceCells } = merged;
  const { heads, headDim } = attention;
  return {
    ...{ record, window, heads, slicesPerRow, ...sliceFields(sliceCells) },
    ...{ quadsPerHead: headDim / 4, statistics: strideOf(heads * headDim), sliceQuads: sliceStrideOf(attention) / 4 },
  };
}

/**
 * WGSL that reads the attention's result from its slices in the binding `x`, `array<vec4f>`: `prepareMerge` once, then
 * `merged4`. Needs `OF_ROW`.
 * @param end field of a row's record behind the last cell attended to
 */
export const merged4 = (end: number): string => `${SLICE_LENGTH}${MERGING}
/** By head and slice: the factors of the sums before it, and of its own. */
var<workgroup> factors: array<vec2f, ${MOST_HEADS * MOST_SLICES}>;
var<workgroup> totals: array<f32, ${MOST_HEADS}>;
var<private> sliceCount: u32;
/** First group of four of the row's first slice. */
var<private> firstSlice: u32;

fn prepareMerge(row: u32, local: u32) {
  let cells = ofRow(row, ${end}u) - ofRow(row, shape.window);
  let length = sliceLength(cells);
  sliceCount = (cells + length - 1u) / length;
  firstSlice = row * shape.slicesPerRow * shape.sliceQuads;
  for (var head = local; head < shape.heads; head += ${THREADS}u) {
    var merged = EMPTY;
    for (var slice = 0u; slice < sliceCount; slice += 1u) {
      let at = 4u * (firstSlice + slice * shape.sliceQuads) + shape.statistics + 2u * head;
      merged = withSlice(merged, x[at / 4u][at % 4u], x[at / 4u][at % 4u + 1u]);
      factors[head * ${MOST_SLICES}u + slice] = vec2f(merged.before, merged.now);
    }
    totals[head] = merged.total;
  }
  workgroupBarrier();
}

fn merged4(quad: u32) -> vec4f {
  let head = quad / shape.quadsPerHead;
  var sums = vec4f();
  for (var slice = 0u; slice < sliceCount; slice += 1u) {
    let factor = factors[head * ${MOST_SLICES}u + slice];
    sums = sums * factor.x + x[firstSlice + slice * shape.sliceQuads + quad] * factor.y;
  }
  return sums / totals[head];
}
`;
