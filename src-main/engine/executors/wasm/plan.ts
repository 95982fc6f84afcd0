/** Lowers fused operations to the flat plan that the kernels interpret. */
import { EngineError } from '../../api/errors.ts';
import type { AttentionAttributes, RopeAttributes } from '../../program/ops.ts';
import type { Program } from '../../program/program.ts';
import type { WeightView } from '../../program/weights.ts';
import type { Activation, FusedOp } from '../fusion.ts';
import type { KernelMemory } from './kernel-memory.ts';
import * as L from './plan-layout.ts';
import { withBarriers, withChains } from './barriers.ts';
import type { WeightLayout } from './weight-layouts.ts';
import { type PackedWeight, type PackedWeights, viewKey } from './weights.ts';

/** Addresses that plans refer to. */
export interface PlanMemory {
  readonly weights: PackedWeights;
  /** Buffer of each activation: `[rows, width]`. */
  readonly activations: readonly number[];
  /** Input of linear operations, quantised, or scaled for float16 weights. */
  readonly prepared: number;
  /** Inputs of the logits, gathered: `[logit rows, width]`. */
  readonly logitInputs: number;
  /** `[logit rows, vocabulary]`. */
  readonly logits: number;
  /** `[logit rows]`: maximum of each block of logits, then the sum of e^(logit - maximum) of each. */
  readonly logitSums: number;
  /** `[vocabulary]`: weights of a draw, of one row at a time. */
  readonly logitWeights: number;
  readonly keys: readonly number[];
  readonly values: readonly number[];
  readonly cells: number;
  /** How K and V are stored: `LAYOUT_F32` or `LAYOUT_F16`. */
  readonly kvLayout: number;
  /** `[rows, cos[pairs] then sin[pairs]]` of these attributes. */
  ropeTable(attributes: RopeAttributes): number;
  /** Index of the window's array of first attended entries. */
  windowIndex(window: number | null): number;
}

/** Addresses for tapped tensors. */
export interface PlanTaps {
  /** By activation: address of `[rows, width]`. */
  readonly activations: ReadonlyMap<number, number>;
  /** By layer: address of `[heads, rows, longest context]`. */
  readonly attention: ReadonlyMap<number, number>;
}

/** One operation: offsets of plan-layout.ts to values. */
export type PlanOp = ReadonlyMap<number, number>;

export const NO_TAPS: PlanTaps = { activations: new Map(), attention: new Map() };

const ACTIVATIONS: Readonly<Record<Activation, number>> = {
  relu: L.ACTIVATION_RELU,
  silu: L.ACTIVATION_SILU,
  gelu: L.ACTIVATION_GELU,
};

/** Lowers everything up to the logits, for all rows of the batch. */
export function lower(program: Program, ops: readonly FusedOp[], memory: PlanMemory, taps: PlanTaps): PlanOp[] {
  const lowering = new Lowering(program, memory, taps);
  for (const op of ops) if (op.op !== 'logits') lowering.add(op);
  return withBarriers(withChains(lowering.plan));
}

/** Lowers the logits, for the requested rows. */
export function lowerLogits(program: Program, memory: PlanMemory): PlanOp[] {
  const op = program.ops.at(-1);
  if (op?.op !== 'logits') throw new EngineError('INTERNAL', 'The program does not end with its logits.');
  const lowering = new Lowering(program, memory, NO_TAPS);
  lowering.addLogits(op.inputs[0], op.weights, op.attributes.softcap);
  return withBarriers(withChains(lowering.plan));
}

class Lowering {
  readonly plan: PlanOp[] = [];
  /** The rows in the buffer of prepared inputs: their address, and whether quantised or scaled. */
  private prepared: { readonly at: number; readonly input: WeightLayout['input'] } | null = null;

  constructor(
    private readonly program: Program,
    private readonly memory: PlanMemory,
    private readonly taps: PlanTaps,
  ) {}

  add(op: FusedOp): void {
    switch (op.op) {
      case 'input':
        // Written to its buffer before the plan runs.
        break;
      case 'embed': {
        const weight = this.weight(op.weights[0]);
        this.emit(L.EMBED, {
          ...this.output(op),
          [L.OP_WIDTH]: op.weights[0].shape[1],
          [L.OP_WEIGHT]: weight.at,
          [L.OP_LAYOUT]: layoutOf(weight).id,
          [L.OP_ZERO]: layoutOf(weight).zero,
          [L.OP_RAISED]: weight.raised,
          [L.OP_KIND]: op.attributes.index === 'position' ? 1 : 0,
        });
        break;
      }
      case 'linear':
        this.addLinear(op);
        break;
      case 'layerNorm':
        this.emit(L.LAYER_NORM, {
          ...this.rows(op),
          [L.OP_WEIGHT]: this.weight(op.weights[0]).at,
          [L.OP_BIAS]: this.weight(op.weights[1]).at,
          [L.OP_EPS]: op.attributes.eps,
        });
        break;
      case 'rmsNorm':
        this.emit(L.RMS_NORM, {
          ...this.rows(op),
          [L.OP_HEAD_DIM]: op.weights[0].shape[0],
          [L.OP_WEIGHT]: this.weight(op.weights[0]).at,
          [L.OP_EPS]: op.attributes.eps,
        });
        break;
      case 'rope':
        this.emit(L.ROPE, {
          ...this.rows(op),
          [L.OP_HEAD_DIM]: op.attributes.headDim,
          [L.OP_PAIRS]: op.attributes.frequencies.length,
          [L.OP_KIND]: op.attributes.pairing === 'halves' ? 1 : 0,
          [L.OP_WEIGHT]: this.memory.ropeTable(op.attributes),
        });
        break;
      case 'relu':
      case 'silu':
      case 'gelu':
        this.emit(L.UNARY, { ...this.rows(op), [L.OP_KIND]: ACTIVATIONS[op.op] });
        break;
      case 'scale':
        this.emit(L.UNARY, { ...this.rows(op), [L.OP_KIND]: L.UNARY_SCALE, [L.OP_FACTOR]: op.attributes.factor });
        break;
      case 'zeroHeads':
        this.addZeroHeads(op);
        break;
      case 'add':
      case 'mul':
        this.emit(L.BINARY, {
          ...this.rows(op),
          ...this.secondInput(op),
          [L.OP_OPERAND_MODE]: op.op === 'add' ? L.OPERAND_ADD : L.OPERAND_MUL,
        });
        break;
      case 'cacheWrite': {
        const { headDim, kvHeads } = this.attentionOf(op.attributes.layer);
        this.emit(L.CACHE_WRITE, {
          ...this.input(op),
          ...this.secondInput(op),
          ...this.storage(op.attributes.layer),
          [L.OP_HEAD_DIM]: headDim,
          [L.OP_KV_HEADS]: kvHeads,
        });
        break;
      }
      case 'attention': {
        const { layer, heads, kvHeads, headDim, scale, softcap, window } = op.attributes;
        const shape = {
          ...this.storage(layer),
          [L.OP_HEADS]: heads,
          [L.OP_KV_HEADS]: kvHeads,
          [L.OP_HEAD_DIM]: headDim,
          [L.OP_STARTS]: this.memory.windowIndex(window),
        };
        this.emit(L.ATTENTION, {
          ...this.rows(op),
          ...shape,
          [L.OP_FACTOR]: scale,
          [L.OP_SOFTCAP]: softcap ?? 0,
          [L.OP_TAP]: this.taps.attention.get(layer) ?? 0,
        });
        this.emit(L.ATTENTION_MERGE, { ...this.output(op), ...shape });
        break;
      }
      case 'logits':
        throw new EngineError('INTERNAL', 'The logits have a plan of their own.');
    }
    this.copyTap(op);
  }

  addLogits(input: number, weights: readonly WeightView[], softcap: number | null): void {
    const { width } = this.program.tensors[input];
    const { logitInputs, logits, logitSums } = this.memory;
    const [weight, bias] = weights;
    const stride = strideOf(width);
    this.emit(L.GATHER, {
      [L.OP_FLAGS]: L.FLAG_LOGIT_ROWS,
      ...this.source(input),
      [L.OP_Y]: logitInputs,
      [L.OP_Y_STRIDE]: stride,
      [L.OP_OUTPUTS]: width,
    });
    const y = { [L.OP_Y]: logits, [L.OP_Y_STRIDE]: strideOf(weight.shape[0]) };
    const packed = this.weight(weight);
    this.emit(L.LINEAR, {
      ...this.linearInput(packed, { at: logitInputs, stride, width }, L.FLAG_LOGIT_ROWS),
      ...y,
      // Block statistics of logits are computed while the logits are in the cache.
      [L.OP_FLAGS]: L.FLAG_LOGIT_ROWS | (softcap === null ? L.FLAG_CHAIN : 0),
      [L.OP_OUTPUTS]: weight.shape[0],
      [L.OP_BIAS]: bias ? this.weight(bias).at : 0,
    });
    const x = {
      [L.OP_FLAGS]: L.FLAG_LOGIT_ROWS,
      [L.OP_X]: logits,
      [L.OP_X_STRIDE]: strideOf(weight.shape[0]),
      [L.OP_WIDTH]: weight.shape[0],
    };
    if (softcap !== null) this.emit(L.UNARY, { ...x, ...y, [L.OP_KIND]: L.UNARY_SOFTCAP, [L.OP_FACTOR]: softcap });
    this.emit(L.LOGIT_SUMS, {
      ...x,
      [L.OP_Y]: logitSums,
      [L.OP_Y_STRIDE]: logitSumsStride(weight.shape[0]),
      [L.OP_OUTPUTS]: weight.shape[0],
    });
  }

  private addLinear(op: Extract<FusedOp, { op: 'linear' }>): void {
    const [weight, bias] = op.weights;
    const packed = this.weight(weight);
    const { activation, operand } = op.epilogue ?? { activation: null, operand: null };
    const { width } = this.program.tensors[op.inputs[0]];
    const at = this.memory.activations[op.inputs[0]];
    const fields = {
      ...this.linearInput(packed, { at, stride: strideOf(width), width }, 0),
      ...this.output(op),
      [L.OP_FLAGS]: op.pairedWithNext ? L.FLAG_CHAIN : 0,
      [L.OP_OUTPUTS]: weight.shape[0],
      [L.OP_BIAS]: bias ? this.weight(bias).at : 0,
      [L.OP_ACTIVATION]: activation ? ACTIVATIONS[activation] : 0,
    };
    if (operand === null) return this.emit(L.LINEAR, fields);
    const other = op.inputs[1];
    this.emit(L.LINEAR, {
      ...fields,
      [L.OP_OPERAND]: this.memory.activations[other],
      [L.OP_OPERAND_STRIDE]: strideOf(this.program.tensors[other].width),
      [L.OP_OPERAND_MODE]: operand === 'add' ? L.OPERAND_ADD : L.OPERAND_MUL,
    });
  }

  /** A copy, then each head times 0 in place. All are row by row, so they become one chain (`withChains`). */
  private addZeroHeads(op: FusedOp & { op: 'zeroHeads' }): void {
    const { headDim, heads } = op.attributes;
    const output = this.output(op);
    this.emit(L.COPY, { ...this.source(op.inputs[0]), ...output });
    for (const head of heads) {
      const at = output[L.OP_Y] + 4 * head * headDim;
      this.emit(L.UNARY, {
        ...{ [L.OP_X]: at, [L.OP_X_STRIDE]: output[L.OP_Y_STRIDE], [L.OP_WIDTH]: headDim },
        ...{ [L.OP_Y]: at, [L.OP_Y_STRIDE]: output[L.OP_Y_STRIDE], [L.OP_OUTPUTS]: headDim },
        ...{ [L.OP_KIND]: L.UNARY_SCALE, [L.OP_FACTOR]: 0 },
      });
    }
  }

  /** Input and weight of a linear operation. Prepares the input first, unless the previous operation did. */
  private linearInput(
    weight: PackedWeight,
    x: { at: number; stride: number; width: number },
    flags: number,
  ): Record<number, number> {
    const layout = layoutOf(weight);
    const common = {
      [L.OP_WIDTH]: x.width,
      [L.OP_WEIGHT]: weight.at,
      [L.OP_LAYOUT]: layout.id,
      [L.OP_ZERO]: layout.zero,
      [L.OP_RAISED]: weight.raised,
      [L.OP_PANEL_BYTES]: 8 * layout.bytes(x.width),
    };
    if (layout.input === 'float32') return { ...common, [L.OP_X]: x.at, [L.OP_X_STRIDE]: x.stride };
    const stride = layout.input === 'codes' ? quantizedStride(x.width) : strideOf(x.width);
    const prepared = this.prepared;
    if (prepared?.at !== x.at || prepared.input !== layout.input) {
      this.endChain();
      this.emit(layout.input === 'codes' ? L.QUANTIZE : L.UNARY, {
        ...(layout.input === 'codes' ? {} : { [L.OP_KIND]: L.UNARY_SCALE, [L.OP_FACTOR]: L.F16_INPUT_SCALE }),
        [L.OP_FLAGS]: flags,
        [L.OP_X]: x.at,
        [L.OP_X_STRIDE]: x.stride,
        [L.OP_WIDTH]: x.width,
        [L.OP_Y]: this.memory.prepared,
        [L.OP_Y_STRIDE]: stride,
      });
      this.prepared = { at: x.at, input: layout.input };
    }
    return { ...common, [L.OP_X]: this.memory.prepared, [L.OP_X_STRIDE]: stride };
  }

  /** A gate shares chunks only with the product after it, not with the preparation of that product's input. */
  private endChain(): void {
    const last = this.plan.at(-1);
    const flags = last?.get(L.OP_FLAGS) ?? 0;
    if (!last || !(flags & L.FLAG_CHAIN)) return;
    this.plan[this.plan.length - 1] = new Map(last).set(L.OP_FLAGS, flags & ~L.FLAG_CHAIN);
  }

  private emit(code: number, fields: Readonly<Record<number, number>>): void {
    const y = fields[L.OP_Y];
    // The prepared input has changed.
    if (y !== undefined && y === this.prepared?.at) this.prepared = null;
    this.plan.push(new Map([[L.OP_CODE, code], ...Object.entries(fields).map(([k, v]) => [Number(k), v] as const)]));
  }

  private copyTap(op: FusedOp): void {
    const to = op.output === null ? undefined : this.taps.activations.get(op.output);
    if (op.output === null || to === undefined) return;
    const { width } = this.program.tensors[op.output];
    this.emit(L.COPY, {
      ...this.source(op.output),
      [L.OP_Y]: to,
      [L.OP_Y_STRIDE]: 4 * width,
      [L.OP_OUTPUTS]: width,
    });
  }

  private rows(op: FusedOp): Record<number, number> {
    return { ...this.input(op), ...this.output(op) };
  }

  private input(op: FusedOp): Record<number, number> {
    return { ...this.source(op.inputs[0]), [L.OP_WIDTH]: this.program.tensors[op.inputs[0]].width };
  }

  private source(tensor: number): Record<number, number> {
    return {
      [L.OP_X]: this.memory.activations[tensor],
      [L.OP_X_STRIDE]: strideOf(this.program.tensors[tensor].width),
    };
  }

  private secondInput(op: FusedOp): Record<number, number> {
    const tensor = op.inputs[1];
    return {
      [L.OP_X2]: this.memory.activations[tensor],
      [L.OP_X2_STRIDE]: strideOf(this.program.tensors[tensor].width),
    };
  }

  private output(op: FusedOp): Record<number, number> {
    if (op.output === null) throw new EngineError('INTERNAL', `${op.op} has no output.`);
    const { width } = this.program.tensors[op.output];
    return { [L.OP_Y]: this.memory.activations[op.output], [L.OP_Y_STRIDE]: strideOf(width), [L.OP_OUTPUTS]: width };
  }

  private storage(layer: number): Record<number, number> {
    const { keys, values, cells, kvLayout } = this.memory;
    return {
      [L.OP_KEYS]: keys[layer],
      [L.OP_VALUES]: values[layer],
      [L.OP_CELLS]: cells,
      [L.OP_LAYOUT]: kvLayout,
    };
  }

  private attentionOf(layer: number): AttentionAttributes {
    const found = this.program.ops.find((op) => op.op === 'attention' && op.attributes.layer === layer);
    if (found?.op !== 'attention') throw new EngineError('INTERNAL', `No attention reads layer ${layer}.`);
    return found.attributes;
  }

  private weight(view: WeightView): PackedWeight {
    const found = this.memory.weights.get(viewKey(view));
    if (!found) throw new EngineError('INTERNAL', `The weight ${view.name} was not packed.`);
    return found;
  }
}

/** Bytes per row of activations: rows are aligned to whole vectors. */
export function strideOf(width: number): number {
  return 4 * Math.ceil(width / 4) * 4;
}

/** Bytes of one row of quantised activations. */
export function quantizedStride(width: number): number {
  return Math.ceil(width / 32) * L.XQ_BLOCK;
}

/** Bytes of the statistics of one row of logits: the maximum of each block, then the sum of each. */
export function logitSumsStride(count: number): number {
  return 2 * strideOf(Math.ceil(count / L.LOGIT_BLOCK));
}

function layoutOf({ layout }: PackedWeight): WeightLayout {
  if (!layout) throw new EngineError('INTERNAL', 'A vector was used as a matrix.');
  return layout;
}

const FLOAT_FIELDS: ReadonlySet<number> = new Set([L.OP_EPS, L.OP_FACTOR, L.OP_SOFTCAP]);

/** Bytes of weights that an operation reads. */
function bytesOfMatrix(op: PlanOp): number {
  return Math.ceil((op.get(L.OP_OUTPUTS) ?? 0) / 8) * (op.get(L.OP_PANEL_BYTES) ?? 0);
}

/** Maximum bytes of weights that one operation reads. */
export function largestMatrix(ops: readonly PlanOp[]): number {
  return ops.reduce((most, op) => Math.max(most, bytesOfMatrix(op)), 0);
}

/** The first operations that together read `least` bytes of weights, and what they read; all if these read less. */
export function firstOps(ops: readonly PlanOp[], least: number): { ops: readonly PlanOp[]; bytes: number } {
  let bytes = 0;
  // A chain is not divided.
  const isEnd = (op: PlanOp) => bytes >= least && !((op.get(L.OP_FLAGS) ?? 0) & L.FLAG_CHAIN);
  const last = ops.findIndex((op) => {
    bytes += bytesOfMatrix(op);
    return isEnd(op);
  });
  return { ops: last < 0 ? ops : ops.slice(0, last + 1), bytes };
}

/** A plan in kernel memory. */
export interface StoredPlan {
  readonly at: number;
  readonly ops: readonly PlanOp[];
}

/** @throws EngineError OUT_OF_MEMORY */
export function storePlan(ops: readonly PlanOp[], memory: KernelMemory): StoredPlan {
  const at = memory.allocate(ops.length * L.OP_BYTES, 'the plan');
  writePlan(ops, memory, at);
  return { at, ops };
}

/** Writes operations at byte address `at`. */
export function writePlan(plan: readonly PlanOp[], views: { i32: Int32Array; f32: Float32Array }, at: number): void {
  plan.forEach((op, index) => {
    const start = (at + index * L.OP_BYTES) / 4;
    views.i32.fill(0, start, start + L.OP_BYTES / 4);
    for (const [field, value] of op) {
      if (FLOAT_FIELDS.has(field)) views.f32[start + field / 4] = value;
      // Addresses go up to 2^32; wrapping to a signed integer keeps their bits.
      else views.i32[start + field / 4] = value;
    }
  });
}
