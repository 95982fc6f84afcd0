/** Lowers a program into a static list of dispatches with their pipelines, bind groups and buffers. */
import { EngineError } from '../../api/errors.ts';
import type { GpuBuffer, GpuComputePass, GpuDevice } from '../../api/gpu.ts';
import type { AttentionAttributes, OpOf } from '../../program/ops.ts';
import type { WeightView } from '../../program/weights.ts';
import { type GpuOp, type GroupedOps, type HeadsOp, type ProjectionOp, type SingleOp, slicedAttentions } from './grouping.ts'; // prettier-ignore
import type { KvLayout } from './kv-storage.ts';
import { attention, attentionSlices, attentionWeights } from './ops/attention.ts';
import { canMerge, type MergedSlices } from './ops/attention-slices.ts';
import { cacheWrite } from './ops/cache-write.ts';
import { binary, mapped, zeroHeads } from './ops/elementwise.ts';
import { embed } from './ops/embed.ts';
import { heads, type PartNorm } from './ops/heads.ts';
import { linear, type LinearShape } from './ops/linear.ts';
import { layerNorm, rmsNorm } from './ops/norm.ts';
import { rope } from './ops/rope.ts';
import { attentionWork, type DispatchWork, linearWork, nameForProfile, otherWork } from './op-work.ts';
import { dispatch, type Pipelines, prepare, type Variant } from './pipelines.ts';
import { ropeIndex, type RunFormat } from './run-inputs.ts';
import { type Kernel, MANY_ROWS, TILE_ROWS } from './shader.ts';
import { type GpuWeight, placeOf } from './weights.ts';

/** Everything that the kernels of a plan read and write. */
export interface PlanBuffers {
  readonly format: RunFormat;
  readonly run: GpuBuffer;
  readonly contexts: GpuBuffer;
  readonly weights: ReadonlyMap<string, GpuWeight>;
  /** By layer. */
  readonly kv: readonly (KvLayout | null)[];
  readonly keys: readonly (GpuBuffer | null)[];
  readonly values: readonly (GpuBuffer | null)[];
  /** By tensor: `[rows, stride]`. */
  readonly activations: readonly GpuBuffer[];
  readonly slices: SliceBuffer;
  /** `[LOGIT_ROWS, stride]`. */
  readonly logits: GpuBuffer;
  /** The best of them; null if only all are read. */
  readonly topLogits: TopBuffer | null;
}

/** Where attentions leave the slices of long contexts: `[few rows, slicesPerRow, sliceStride]`. */
export interface SliceBuffer {
  /** Null if there are none. */
  readonly buffer: GpuBuffer | null;
  /** Shortest context with two slices, in cells. */
  readonly sliceCells: number;
  readonly slicesPerRow: number;
  /** Cells of the longest context. */
  readonly cells: number;
}

/** Where the best logits go: `[LOGIT_ROWS, topWords(k)]`. */
export interface TopBuffer {
  readonly result: GpuBuffer;
  readonly k: number;
  readonly vocabularySize: number;
}

/** Where the weights of tapped attentions go, by layer. */
export type AttentionTaps = ReadonlyMap<number, { readonly buffer: GpuBuffer; readonly context: number }>;

/** One kernel and its buffers, in the order of its bindings. */
interface Bound {
  readonly kernel: Kernel;
  readonly buffers: readonly GpuBuffer[];
}

interface Step extends Bound {
  /** The same for batches, with more rows per unpacked weight, or without slices. */
  readonly forMany?: Bound;
  /** The same for `TILE_ROWS` rows or more. */
  readonly forTiles?: Bound;
  /** By default, that of an operation with neither matrices nor the cache. */
  readonly work?: DispatchWork;
}

export interface Dispatch {
  /** What it computes, or a part of it. */
  readonly op: GpuOp;
  readonly few: Variant;
  readonly many: Variant;
  readonly tiles: Variant;
  readonly work: DispatchWork;
}

/** Whether it computes logits, which have their own rows. */
export const isLogits = (op: GpuOp): boolean => op.kind === 'projection' && op.parts[0].op === 'logits';

/** For errors and GPU debuggers. */
function nameOf(op: GpuOp): string {
  if (op.kind === 'single') return op.op.op;
  return op.kind === 'heads' ? 'heads' : op.parts[0].op;
}

/**
 * The dispatches of a program, in order. Those of the last operation compute the logits.
 * @throws EngineError INTERNAL when a shader does not compile
 */
export async function lower(
  grouped: GroupedOps,
  buffers: PlanBuffers,
  device: GpuDevice,
  pipelines: Pipelines,
  taps: AttentionTaps = new Map(),
): Promise<Dispatch[]> {
  const lowering = new Lowering(grouped, buffers, taps);
  const steps = grouped.ops.flatMap((op) => lowering.steps(op).map((step) => ({ op, ...step })));
  return Promise.all(
    steps.map(async ({ op, forMany, forTiles, work = otherWork(nameForProfile(op)), ...forFew }) => {
      const variant = ({ kernel, buffers: bound }: Bound) => prepare(device, pipelines, nameOf(op), kernel, bound);
      const few = await variant(forFew);
      const many = forMany ? await variant(forMany) : few;
      const tiles = forTiles ? await variant(forTiles) : many;
      return { op, few, many, tiles, work };
    }),
  );
}

/** Records dispatches for a batch of `rows` rows. @param longest most cells that a row attends to */
export function encode(pass: GpuComputePass, { few, many, tiles }: Dispatch, rows: number, longest: number): void {
  const variant = rows < MANY_ROWS ? few : rows < TILE_ROWS ? many : tiles;
  dispatch(pass, variant, rows, longest);
}

class Lowering {
  /** Attentions whose result a product can merge, by its tensor. */
  private readonly sliced: ReadonlyMap<number, AttentionAttributes>;

  constructor(
    private readonly grouped: GroupedOps,
    private readonly buffers: PlanBuffers,
    private readonly taps: AttentionTaps,
  ) {
    this.sliced = slicedAttentions(grouped);
  }

  steps(op: GpuOp): Step[] {
    switch (op.kind) {
      case 'projection':
        return this.projection(op);
      case 'heads':
        return this.heads(op);
      case 'single':
        return this.single(op);
    }
  }

  private single(single: SingleOp): Step[] {
    const { run } = this.buffers;
    const { op } = single;
    switch (op.op) {
      case 'input':
        return [];
      case 'embed':
        return this.embed(op);
      case 'layerNorm': {
        const [gain, bias] = op.weights.map((view) => this.vector(view));
        const kernel = layerNorm(this.width(single), op.attributes.eps);
        return [{ kernel, buffers: [this.input(single), gain, bias, this.output(single)] }];
      }
      case 'rmsNorm': {
        const [gain] = op.weights;
        const adds = single.inputs.length > 1;
        const kernel = rmsNorm(this.width(single), gain.shape[0], op.attributes.eps, adds);
        const operand = adds ? this.input(single, 1) : run;
        return [{ kernel, buffers: [this.input(single), this.vector(gain), operand, this.output(single)] }];
      }
      case 'rope': {
        const { format } = this.buffers;
        return this.elementwise(single, rope(format, this.width(single), op.attributes, this.angles(op)));
      }
      case 'relu':
      case 'silu':
      case 'gelu':
        return this.elementwise(single, mapped(this.width(single), op.op));
      case 'scale':
        return this.elementwise(single, mapped(this.width(single), null, op.attributes.factor));
      case 'zeroHeads': {
        const { headDim, heads } = op.attributes;
        return this.elementwise(single, zeroHeads(this.width(single), headDim, heads));
      }
      case 'add':
      case 'mul': {
        const kernel = binary(op.op, this.width(single));
        return [{ kernel, buffers: [run, this.input(single), this.input(single, 1), this.output(single)] }];
      }
      case 'cacheWrite': {
        const cache = this.cache(op.attributes.layer);
        // Nothing reads K and V of such a layer.
        if (!cache) return [];
        const buffers = [run, this.input(single), this.input(single, 1), cache.keys, cache.values];
        return [{ kernel: cacheWrite(this.buffers.format, cache.layout), buffers }];
      }
      case 'attention':
        return this.attention(op);
    }
  }

  private elementwise(op: SingleOp, kernel: Kernel): Step[] {
    return [{ kernel, buffers: [this.buffers.run, this.input(op), this.output(op)] }];
  }

  private embed(op: OpOf<'embed'>): Step[] {
    const [table] = op.weights;
    const { layout, parts, bytesPerRow } = this.weight(table);
    const { format, run } = this.buffers;
    return parts.map(({ buffer, byteOffset, firstRow, rows }) => {
      // A view's rows are counted from its first.
      const part = { index: op.attributes.index, firstRow: firstRow - table.firstRow, rows };
      if (part.firstRow < 0) throw unexpected('a table that begins within a tensor');
      const kernel = embed(format, layout, table.shape[1], { ...part, place: byteOffset / bytesPerRow });
      return { kernel, buffers: [run, buffer, this.output(op)] };
    });
  }

  private projection(op: ProjectionOp): Step[] {
    const { run, logits } = this.buffers;
    const { norm, gated, parts: products } = op;
    const [product] = products;
    const [matrix, bias] = product.weights;
    const rowsOf = ({ weights: [view] }: (typeof products)[number]) => view.shape[0];
    const width = gated ? matrix.shape[0] : products.reduce((sum, each) => sum + rowsOf(each), 0);
    const { layout, parts, bytesPerRow } = this.weight(matrix);
    const isOnly = products.length === 1;
    const [gain, normBias] = norm?.weights.map((view) => this.vector(view)) ?? [];
    return parts.flatMap(({ buffer, byteOffset, firstRow, rows }): Step[] => {
      const from = Math.max(matrix.firstRow, firstRow);
      // Products that are joined are in one part.
      const to = isOnly ? Math.min(matrix.firstRow + width, firstRow + rows) : from + width;
      if (from >= to) return [];
      const shape: LinearShape = {
        ...{ layout, inputs: matrix.shape[1], width, gated, outputs: to - from },
        ...{ firstRow: byteOffset / bytesPerRow + from - firstRow, firstOutput: from - matrix.firstRow },
        bias: bias ? placeOf(this.weight(bias), bias) : null,
        epilogue: gated || isOnly ? product.epilogue : null,
        norm: norm && { op: norm.op, eps: norm.attributes.eps },
        logits: isLogits(op),
        softcap: product.op === 'logits' ? product.attributes.softcap : null,
      };
      const y = isLogits(op) ? logits : this.output(op);
      const buffersFor = (x: GpuBuffer) => [
        ...[run, buffer, x, y, bias ? this.weight(bias).parts[0].buffer : run],
        op.inputs.length > 1 ? this.input(op, 1) : run,
      ];
      const buffers = [...buffersFor(this.input(op)), gain ?? run, normBias ?? run];
      const merged = this.slicesOf(op.inputs[0]);
      const work = linearWork(shape, bytesPerRow);
      const step = merged
        ? { kernel: linear({ ...shape, merged: merged.slices }, 1), buffers: buffersFor(merged.buffer), work }
        : { kernel: linear(shape, 1), buffers, work };
      // Logits of many rows are rare, and compiling a kernel takes long.
      if (isLogits(op)) return [step];
      const [forMany, forTiles] = ([MANY_ROWS, TILE_ROWS] as const).map((rows) => {
        return { kernel: linear(shape, rows), buffers };
      });
      return [{ ...step, forMany, forTiles }];
    });
  }

  private heads(op: HeadsOp): Step[] {
    const { format, run } = this.buffers;
    const { attention, norms } = op;
    const { layout, keys, values } = this.kv(attention.layer);
    const partNorm = (norm: OpOf<'rmsNorm'> | null): PartNorm | null =>
      norm && { part: norm.weights[0].shape[0], eps: norm.attributes.eps };
    const shape = {
      ...{ attention, q: partNorm(norms.q), k: partNorm(norms.k) },
      rope: op.rope?.attributes ?? null,
      angles: op.rope ? this.angles(op.rope) : 0,
    };
    const gains = [norms.q, norms.k].map((norm) => (norm ? this.vector(norm.weights[0]) : run));
    const buffers = [run, this.input(op), ...gains, this.output(op), keys, values];
    return [{ kernel: heads(format, shape, layout.type), buffers }];
  }

  private attention(op: OpOf<'attention'>): Step[] {
    const { format, run, contexts } = this.buffers;
    const { layer } = op.attributes;
    const { layout, keys, values } = this.kv(layer);
    const q = this.input(op);
    const { sliceCells } = this.buffers.slices;
    const whole: Bound = {
      kernel: attention(format, op.attributes, layout.type, sliceCells),
      buffers: [run, contexts, q, keys, values, this.output(op)],
    };
    const work = attentionWork(op.attributes, layout);
    const merged = op.output === null ? null : this.slicesOf(op.output);
    const steps: Step[] = [{ ...whole, work }];
    if (merged) {
      const { slicesPerRow } = merged.slices;
      const kernel = attentionSlices(format, op.attributes, layout.type, sliceCells, slicesPerRow);
      steps[0] = { kernel, buffers: [run, contexts, q, keys, values, merged.buffer], forMany: whole, work };
    }
    const tap = this.taps.get(layer);
    if (tap) {
      const kernel = attentionWeights(format, op.attributes, layout.type, tap.context);
      steps.push({ kernel, buffers: [run, contexts, q, keys, tap.buffer] });
    }
    return steps;
  }

  /** Where the slices of this tensor are if it has few rows; null if it is computed whole. */
  private slicesOf(tensor: number): { buffer: GpuBuffer; slices: MergedSlices } | null {
    const { slices, format } = this.buffers;
    const { buffer, sliceCells, slicesPerRow, cells } = slices;
    const attributes = this.sliced.get(tensor);
    if (!buffer || !attributes || !canMerge(attributes, cells, sliceCells)) return null;
    const window = format.windows.get(attributes.window)!;
    return { buffer, slices: { attention: attributes, sliceCells, slicesPerRow, record: format.record, window } };
  }

  /** Null for a layer whose K and V nothing reads. */
  private cache(layer: number): { layout: KvLayout; keys: GpuBuffer; values: GpuBuffer } | null {
    const { kv, keys, values } = this.buffers;
    const [layout, ofKeys, ofValues] = [kv[layer], keys[layer], values[layer]];
    return layout && ofKeys && ofValues && { layout, keys: ofKeys, values: ofValues };
  }

  private kv(layer: number): { layout: KvLayout; keys: GpuBuffer; values: GpuBuffer } {
    const found = this.cache(layer);
    if (!found) throw unexpected(`layer ${layer} without K and V`);
    return found;
  }

  private angles({ attributes }: OpOf<'rope'>): number {
    const { format } = this.buffers;
    return format.angles[ropeIndex(format.ropes, attributes)];
  }

  private width(op: Pick<GpuOp, 'inputs'>): number {
    return this.grouped.tensors[op.inputs[0]].width;
  }

  private input(op: Pick<GpuOp, 'inputs'>, index = 0): GpuBuffer {
    return this.buffers.activations[op.inputs[index]];
  }

  private output({ output }: Pick<GpuOp, 'output'>): GpuBuffer {
    if (output === null) throw unexpected('an operation without an output');
    return this.buffers.activations[output];
  }

  private weight(view: WeightView): GpuWeight {
    const weight = this.buffers.weights.get(view.name);
    if (!weight) throw unexpected(`the weight ${view.name}, which the program did not declare`);
    return weight;
  }

  /** A vector that a kernel reads from its first value. */
  private vector(view: WeightView): GpuBuffer {
    const weight = this.weight(view);
    if (placeOf(weight, view) > 0) throw unexpected(`a part of the vector ${view.name}`);
    return weight.parts[0].buffer;
  }
}

function unexpected(what: string): EngineError {
  return new EngineError('INTERNAL', `The webgpu executor cannot run ${what}.`);
}
