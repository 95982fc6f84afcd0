import type { WeightView } from './weights.ts';

type NoAttributes = Readonly<Record<never, never>>;

/** Attributes of each operation, beside its inputs and weights. */
export interface OpAttributes {
  input: { readonly name: string; readonly width: number };
  embed: { readonly index: 'token' | 'position' };
  linear: NoAttributes;
  layerNorm: { readonly eps: number };
  rmsNorm: { readonly eps: number };
  rope: RopeAttributes;
  relu: NoAttributes;
  silu: NoAttributes;
  gelu: NoAttributes;
  scale: { readonly factor: number };
  zeroHeads: { readonly headDim: number; readonly heads: readonly number[] };
  add: NoAttributes;
  mul: NoAttributes;
  cacheWrite: { readonly layer: number };
  attention: AttentionAttributes;
  logits: { readonly softcap: number | null };
}

export interface RopeAttributes {
  readonly headDim: number;
  /** Dimensions of pair i: (2i, 2i + 1) when interleaved, (i, i + pairs) when in halves (GPT-NeoX). */
  readonly pairing: 'interleaved' | 'halves';
  /** `[pairs]`: radians per position. Dimensions of a head from 2 * pairs on are unchanged. */
  readonly frequencies: readonly number[];
  /** Factor on cos and sin; 1 except for YaRN and LongRoPE. */
  readonly magnitude: number;
}

export interface AttentionAttributes {
  readonly layer: number;
  readonly heads: number;
  /** Heads of K and V: query head h reads K/V head floor(h * kvHeads / heads). */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor on the scores before softmax, usually 1 / sqrt(headDim). */
  readonly scale: number;
  /** Scaled scores become c * tanh(score / c); null for no soft-cap. */
  readonly softcap: number | null;
  /** Positions attended to, including the token's own; null for all up to it. */
  readonly window: number | null;
  /** Whether tokens attend to none after them. All attentions of a program agree. */
  readonly causal: boolean;
  /** Name of the tap for the softmax weights; null if they cannot be tapped. */
  readonly weightsTap: string | null;
}

export type OpName = keyof OpAttributes;

/** One step of a program. Inputs and output are indices into `Program.tensors`. */
export interface OpOf<N extends OpName> {
  readonly op: N;
  readonly inputs: readonly number[];
  readonly weights: readonly WeightView[];
  readonly attributes: OpAttributes[N];
  /** Null for an operation whose result is not an activation (`cacheWrite`, `logits`). */
  readonly output: number | null;
}

export type Op = { [N in OpName]: OpOf<N> }[OpName];

/** Shapes that an operation is checked against: input widths (of `[tokens, width]`) and weight shapes. */
export interface OpShapes<N extends OpName> {
  readonly inputs: readonly number[];
  readonly weights: readonly (readonly number[])[];
  readonly attributes: OpAttributes[N];
}

/** One row of the op table. */
export interface OpRow<N extends OpName> {
  /**
   * Width of the output, null when there is no output activation.
   * @throws ShapeMismatch when inputs and weights do not fit together.
   */
  outputWidth(shapes: OpShapes<N>): number | null;
}

/** Says which extents do not match; the builder adds the operation and names. */
export class ShapeMismatch extends Error {
  override readonly name = 'ShapeMismatch';
}

/**
 * Every operation a program can have. What they compute, with x `[tokens, width]`:
 *
 * | op         | computes                                                                                        |
 * |------------|-------------------------------------------------------------------------------------------------|
 * | input      | rows that the run is given (`Outputs.given`); inputs come first                                   |
 * | embed      | row of the table `[rows, width]` for each token's id, or for its position                         |
 * | linear     | x W^T + b, W `[outputs, inputs]`, b `[outputs]`                                                   |
 * | layerNorm  | (x - mean) / sqrt(variance + eps) * g + b over each row (Ba, Kiros and Hinton, 2016)              |
 * | rmsNorm    | x / sqrt(mean(x^2) + eps) * g over each g-wide part of each row (Zhang and Sennrich, 2019)       |
 * | rope       | pair i of each head rotated by position * frequency_i, times the magnitude (Su et al., 2021)       |
 * | relu       | max(x, 0)                                                                                       |
 * | silu       | x / (1 + exp(-x))                                                                               |
 * | gelu       | x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel, 2016, the tanh form)        |
 * | scale      | x * factor                                                                                      |
 * | zeroHeads  | x with the values of these heads, each headDim wide, set to 0                                   |
 * | add        | a + b                                                                                           |
 * | mul        | a * b, value by value                                                                           |
 * | cacheWrite | puts k and v `[tokens, kvHeads * headDim]` into the layer's cells                                |
 * | attention  | softmax(cap(q K^T * scale)) V per head, over the sequence's cells in the window up to the token   |
 * | logits     | cap(x W^T + b), of the requested rows only                                            |
 *
 * where cap(s) = c * tanh(s / c), or s when there is no soft-cap c.
 */
export const OPS: { readonly [N in OpName]: OpRow<N> } = {
  input: { outputWidth: ({ attributes: { width } }) => width },
  embed: {
    outputWidth: ({ weights: [table] }) => matrix(table, 'the table')[1],
  },
  linear: { outputWidth: linearWidth },
  layerNorm: {
    outputWidth: ({ inputs: [x], weights: [gain, bias] }) => {
      vector(gain, x, 'the gain');
      vector(bias, x, 'the bias');
      return x;
    },
  },
  rmsNorm: {
    outputWidth: ({ inputs: [x], weights: [gain] }) => {
      const width = gain[0];
      if (gain.length !== 1 || x % width !== 0) {
        throw new ShapeMismatch(`the gain has shape [${gain.join(', ')}], which does not divide rows of ${x}`);
      }
      return x;
    },
  },
  rope: {
    outputWidth: ({ inputs: [x], attributes: { headDim, frequencies } }) => {
      if (x % headDim !== 0) throw new ShapeMismatch(`rows of ${x} are not a multiple of the head size ${headDim}`);
      if (2 * frequencies.length > headDim) {
        throw new ShapeMismatch(`${frequencies.length} pairs do not fit into a head of ${headDim}`);
      }
      return x;
    },
  },
  relu: { outputWidth: unchanged },
  silu: { outputWidth: unchanged },
  gelu: { outputWidth: unchanged },
  scale: { outputWidth: unchanged },
  zeroHeads: {
    outputWidth: ({ inputs: [x], attributes: { headDim, heads } }) => {
      const last = Math.max(...heads);
      if ((last + 1) * headDim > x) throw new ShapeMismatch(`rows of ${x} have no head ${last} of ${headDim}`);
      return x;
    },
  },
  add: { outputWidth: equalWidths },
  mul: { outputWidth: equalWidths },
  cacheWrite: {
    outputWidth: ({ inputs: [k, v] }) => {
      if (k !== v) throw new ShapeMismatch(`k and v have widths ${k} and ${v}`);
      return null;
    },
  },
  attention: {
    outputWidth: ({ inputs: [q], attributes: { heads, kvHeads, headDim } }) => {
      if (q !== heads * headDim) throw new ShapeMismatch(`q has width ${q}, not ${heads} heads of ${headDim}`);
      if (heads % kvHeads !== 0) throw new ShapeMismatch(`${heads} heads cannot share ${kvHeads} K/V heads evenly`);
      return q;
    },
  },
  logits: {
    outputWidth: (shapes) => {
      linearWidth(shapes);
      return null;
    },
  },
};

function unchanged({ inputs: [x] }: Pick<OpShapes<OpName>, 'inputs'>): number {
  return x;
}

function equalWidths({ inputs: [a, b] }: Pick<OpShapes<OpName>, 'inputs'>): number {
  if (a !== b) throw new ShapeMismatch(`the two have widths ${a} and ${b}`);
  return a;
}

function linearWidth({ inputs: [x], weights: [weight, bias] }: Pick<OpShapes<'linear'>, 'inputs' | 'weights'>): number {
  const [outputs, inputs] = matrix(weight, 'the weight');
  if (inputs !== x) throw new ShapeMismatch(`the weight takes ${inputs} inputs, but the activation has width ${x}`);
  if (bias) vector(bias, outputs, 'the bias');
  return outputs;
}

function matrix(shape: readonly number[], what: string): readonly [number, number] {
  const [rows, columns] = shape;
  if (shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new ShapeMismatch(`${what} has ${shape.length} axes, not 2`);
  }
  return [rows, columns];
}

function vector(shape: readonly number[], width: number, what: string): void {
  if (shape.length !== 1 || shape[0] !== width) {
    throw new ShapeMismatch(`${what} has shape [${shape.join(', ')}], not [${width}]`);
  }
}
