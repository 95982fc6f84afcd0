import { EngineError } from '../api/errors.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import {
  type AttentionAttributes,
  type Op,
  type OpAttributes,
  type OpName,
  type OpOf,
  OPS,
  type RopeAttributes,
  ShapeMismatch,
} from './ops.ts';
import type { Activation, Program } from './program.ts';
import { type WeightDeclaration, WeightView } from './weights.ts';

/** Handle of an activation in the program that is being built. */
export interface Value {
  readonly id: number;
  readonly width: number;
}

/**
 * Builds a program operation by operation, so that an architecture reads like its paper:
 *
 *     x = p.layerNorm(p.add(x, p.linear(attended, wo, bo)), gain, bias, 1e-5)
 *
 * Every call checks its shapes. A mismatch is a bug in the architecture's file and throws EngineError INTERNAL.
 */
export class ProgramBuilder {
  private readonly ops: Op[] = [];
  private readonly tensors: Activation[] = [];
  private readonly declared = new Map<string, WeightDeclaration>();
  private readonly kvWidths: number[] = [];
  private readonly taps = new Set<string>();
  private maxPositions: number | null = null;
  private vocabularySize: number | null = null;

  /** Declares a tensor of the model's file. The same one may be declared twice. */
  weight(name: string, shape: readonly number[]): WeightView {
    const earlier = this.declared.get(name);
    if (earlier && !sameShape(earlier.shape, shape)) {
      throw mistake(`${name} was declared as ${formatShape(earlier.shape)} and again as ${formatShape(shape)}`);
    }
    this.declared.set(name, { name, shape });
    return new WeightView(name, shape);
  }

  /** Names an activation, so that a run can return it. It may have several names. */
  tap(name: string, value: Value): Value {
    this.claimTap(name);
    const { width, taps } = this.tensors[value.id];
    this.tensors[value.id] = { width, taps: [...taps, name] };
    return value;
  }

  /** Rows that the run is given under this name: `[tokens, width]`. Comes before all other operations. */
  input(name: string, width: number): Value {
    if (this.ops.some(({ op }) => op !== 'input')) throw mistake(`the input ${name} comes after other operations`);
    return this.value('input', [], [], { name, width });
  }

  /** Rows of `table` by token id or by position: `[tokens, table columns]`. */
  embed(table: WeightView, index: 'token' | 'position'): Value {
    if (index === 'position') this.maxPositions = Math.min(this.maxPositions ?? Infinity, table.shape[0]);
    return this.value('embed', [], [table], { index });
  }

  /** x W^T + b: `[tokens, outputs]`. */
  linear(x: Value, weight: WeightView, bias?: WeightView): Value {
    return this.value('linear', [x], bias ? [weight, bias] : [weight], {});
  }

  layerNorm(x: Value, gain: WeightView, bias: WeightView, eps: number): Value {
    return this.value('layerNorm', [x], [gain, bias], { eps });
  }

  /** Normalises whole rows when `gain` is as wide as they are, else each part as wide as `gain`, which is each head. */
  rmsNorm(x: Value, gain: WeightView, eps: number): Value {
    return this.value('rmsNorm', [x], [gain], { eps });
  }

  rope(x: Value, attributes: RopeAttributes): Value {
    return this.value('rope', [x], [], attributes);
  }

  relu(x: Value): Value {
    return this.value('relu', [x], [], {});
  }

  silu(x: Value): Value {
    return this.value('silu', [x], [], {});
  }

  gelu(x: Value): Value {
    return this.value('gelu', [x], [], {});
  }

  scale(x: Value, factor: number): Value {
    return this.value('scale', [x], [], { factor });
  }

  /** Sets the values of some heads to 0. */
  zeroHeads(x: Value, headDim: number, heads: readonly number[]): Value {
    return this.value('zeroHeads', [x], [], { headDim, heads });
  }

  add(a: Value, b: Value): Value {
    return this.value('add', [a, b], [], {});
  }

  mul(a: Value, b: Value): Value {
    return this.value('mul', [a, b], [], {});
  }

  /**
   * Attention of q `[tokens, heads * headDim]` over the sequence, after k and v `[tokens, kvHeads * headDim]` of
   * the new tokens were written to the layer's cells. Returns `[tokens, heads * headDim]`.
   */
  attention(q: Value, k: Value, v: Value, attributes: AttentionAttributes): Value {
    const { layer, kvHeads, headDim, weightsTap } = attributes;
    if (layer !== this.kvWidths.length)
      throw mistake(`attention of layer ${layer} comes after ${this.kvWidths.length}`);
    if (k.width !== kvHeads * headDim) throw mistake(`k has width ${k.width}, not ${kvHeads} K/V heads of ${headDim}`);
    if (weightsTap !== null) this.claimTap(weightsTap);
    this.emit('cacheWrite', [k, v], [], { layer });
    this.kvWidths.push(k.width);
    return this.value('attention', [q], [], attributes);
  }

  /** Ends the program: raw logits `[asked rows, vocabulary]`. */
  logits(x: Value, weight: WeightView, options: { bias?: WeightView; softcap?: number | null } = {}): Program {
    const { bias, softcap = null } = options;
    this.emit('logits', [x], bias ? [weight, bias] : [weight], { softcap });
    this.vocabularySize = weight.shape[0];
    return {
      ops: this.ops,
      tensors: this.tensors,
      weights: [...this.declared.values()],
      kvWidths: this.kvWidths,
      vocabularySize: this.vocabularySize,
      maxPositions: this.maxPositions,
      taps: this.taps,
    };
  }

  private value<N extends OpName>(
    op: N,
    inputs: readonly Value[],
    weights: readonly WeightView[],
    attributes: OpAttributes[N],
  ): Value {
    const value = this.emit(op, inputs, weights, attributes);
    if (!value) throw mistake(`${op} has no output`);
    return value;
  }

  private emit<N extends OpName>(
    op: N,
    inputs: readonly Value[],
    weights: readonly WeightView[],
    attributes: OpAttributes[N],
  ): Value | null {
    if (this.vocabularySize !== null) throw mistake(`${op} comes after the logits`);
    const width = this.outputWidth(op, inputs, weights, attributes);
    const output = width === null ? null : this.tensors.push({ width, taps: [] }) - 1;
    const step: OpOf<N> = { op, inputs: inputs.map(({ id }) => id), weights, attributes, output };
    // The compiler cannot see that OpOf<N> for any N is a member of the union Op.
    this.ops.push(step as Op);
    return width === null || output === null ? null : { id: output, width };
  }

  private outputWidth<N extends OpName>(
    op: N,
    inputs: readonly Value[],
    weights: readonly WeightView[],
    attributes: OpAttributes[N],
  ): number | null {
    const shapes = { inputs: inputs.map(({ width }) => width), weights: weights.map(({ shape }) => shape), attributes };
    try {
      return OPS[op].outputWidth(shapes);
    } catch (error) {
      if (!(error instanceof ShapeMismatch)) throw error;
      const names = weights.map(({ name }) => name).join(', ');
      throw mistake(`operation ${this.ops.length}, ${op}${names && ` with ${names}`}: ${error.message}`);
    }
  }

  private claimTap(name: string): void {
    if (this.taps.has(name)) throw mistake(`two tensors are named ${name}`);
    this.taps.add(name);
  }
}

function mistake(what: string): EngineError {
  return new EngineError('INTERNAL', `The architecture's program is wrong: ${what}.`);
}
