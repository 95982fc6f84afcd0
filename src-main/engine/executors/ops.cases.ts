import type { Program } from '../program/program.ts';
import { ProgramBuilder, type Value } from '../program/program-builder.ts';
import type { WeightStore, WeightView } from '../program/weights.ts';
import { elementCount, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** One operation at one shape. Every executor runs every case; see `ops.test.ts`. */
export interface OpCase {
  readonly name: string;
  /** Tokens per sequence of the batch; one number is one sequence. */
  readonly tokens: readonly number[];
  /** Largest absolute difference from the float64 formula, with the reason where it is not `ROUNDING`. */
  readonly tolerance: number;
  /** Writes the operation under test; `x(width)` is a fresh input of normal values, `w` a weight of such. */
  build(p: ProgramBuilder, x: (width: number) => Value, w: (...shape: number[]) => WeightView): Value;
  /** The same in float64, straight from the formula, for one sequence: rows of the inputs, and the weights. */
  expected(inputs: readonly Matrix[], weights: readonly Matrix[]): Matrix;
}

/** Rows of float64 values; a weight vector is one row. */
export type Matrix = readonly (readonly number[])[];

/** Results of some units, stored as float32 from sums in double precision: half an ulp, 2^-22 at most below 8. */
const ROUNDING = 1e-6;
/** Sums of some hundred products reach 100, where half an ulp of float32 is 4e-6. */
const LONG_SUM = 1e-5;

const linearCases = [
  [1, 1, 1],
  [1, 128, 384],
  [3, 7, 5],
  [4, 8, 4],
  [5, 128, 9],
  [9, 33, 130],
].flatMap(([rows, inputs, outputs]): OpCase[] =>
  [true, false].map((biased) => ({
    name: `linear [${rows}, ${inputs}] x [${outputs}, ${inputs}]${biased ? ' + bias' : ''}`,
    tokens: [rows],
    tolerance: LONG_SUM,
    build: (p, x, w) => p.linear(x(inputs), w(outputs, inputs), biased ? w(outputs) : undefined),
    expected: ([x], [weight, bias]) =>
      x.map((row) => weight.map((factors, o) => dot(row, factors) + (bias ? bias[0][o] : 0))),
  })),
);

const attentionCases = [
  { tokens: [1], heads: 1, kvHeads: 1, headDim: 4 },
  { tokens: [9], heads: 4, kvHeads: 4, headDim: 32 },
  { tokens: [6], heads: 4, kvHeads: 2, headDim: 5 },
  { tokens: [5], heads: 3, kvHeads: 1, headDim: 7 },
  { tokens: [3, 7, 1], heads: 2, kvHeads: 2, headDim: 8 },
].map(({ tokens, heads, kvHeads, headDim }): OpCase => ({
  name: `attention of ${tokens.join(' + ')} tokens, ${heads} heads of ${headDim} on ${kvHeads}`,
  tokens,
  tolerance: ROUNDING,
  build: (p, x) =>
    p.attention(x(heads * headDim), x(kvHeads * headDim), x(kvHeads * headDim), {
      layer: 0,
      heads,
      kvHeads,
      headDim,
      scale: 1 / Math.sqrt(headDim),
      weightsTap: null,
    }),
  expected: ([q, k, v]) => q.map((row, t) => attentionRow(row, k.slice(0, t + 1), v, heads, kvHeads, headDim)),
}));

/** Operation x shape. A new operation is a row of the op table, a kernel per executor and its cases here. */
export const OP_CASES: readonly OpCase[] = [
  ...[1, 5].map((width): OpCase => ({
    name: `embed by position, width ${width}`,
    tokens: [6],
    tolerance: 0,
    build: (p, _, w) => p.embed(w(8, width), 'position'),
    expected: (_, [table]) => table.slice(0, 6),
  })),
  ...[1, 4, 129].flatMap((width): OpCase[] => [
    {
      name: `add, width ${width}`,
      tokens: [3],
      tolerance: ROUNDING,
      build: (p, x) => p.add(x(width), x(width)),
      expected: ([a, b]) => a.map((row, t) => row.map((value, i) => value + b[t][i])),
    },
    {
      name: `relu, width ${width}`,
      tokens: [3],
      tolerance: 0,
      build: (p, x) => p.relu(x(width)),
      expected: ([x]) => x.map((row) => row.map((value) => Math.max(value, 0))),
    },
    {
      name: `layerNorm, width ${width}`,
      tokens: [3],
      tolerance: ROUNDING,
      build: (p, x, w) => p.layerNorm(x(width), w(width), w(width), 1e-5),
      expected: ([x], [[gain], [bias]]) =>
        x.map((row) => {
          const mean = row.reduce((sum, value) => sum + value, 0) / width;
          const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
          return row.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * gain[i] + bias[i]);
        }),
    },
  ]),
  ...linearCases,
  ...attentionCases,
];

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function attentionRow(
  q: readonly number[],
  k: Matrix,
  v: Matrix,
  heads: number,
  kvHeads: number,
  headDim: number,
): number[] {
  const out: number[] = [];
  for (let head = 0; head < heads; head++) {
    const part = (row: readonly number[], h: number) => row.slice(h * headDim, (h + 1) * headDim);
    const group = Math.floor(head / (heads / kvHeads));
    const exponentials = k.map((key) => Math.exp(dot(part(q, head), part(key, group)) / Math.sqrt(headDim)));
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    for (let d = 0; d < headDim; d++) {
      out.push(exponentials.reduce((sum, value, i) => sum + (value / total) * part(v[i], group)[d], 0));
    }
  }
  return out;
}

/** Name of the tensor that the operation under test gives. */
export const RESULT = 'result';
/** Rows of the input tables: tokens of the batch are 0, 1, 2, ... so that each token has values of its own. */
const VOCABULARY = 16;

/** A case as a program: inputs are looked up by token id in tables of random values. */
export function caseProgram(opCase: OpCase): {
  program: Program;
  store: WeightStore;
  inputs: Matrix[];
  weights: Matrix[];
} {
  const random = normalNumbers(opCase.name.length);
  const tensors = new Map<string, Tensor>();
  const p = new ProgramBuilder();
  const make = (kind: string, shape: Shape) => {
    const name = `${kind}${tensors.size}`;
    tensors.set(name, new Tensor(shape, Float32Array.from({ length: elementCount(shape) }, random)));
    return p.weight(name, shape);
  };
  const inputs: string[] = [];
  const weights: string[] = [];
  const result = opCase.build(
    p,
    (width) => {
      const table = make('input', [VOCABULARY, width]);
      inputs.push(table.name);
      return p.embed(table, 'token');
    },
    (...shape) => {
      const weight = make('weight', shape);
      weights.push(weight.name);
      return weight;
    },
  );
  const program = p.logits(p.tap(RESULT, result), make('head', [VOCABULARY, result.width]));
  const store: WeightStore = { bytes: 0, get: (name) => tensors.get(name)! };
  const matrix = (name: string) => toMatrix(tensors.get(name)!);
  return { program, store, inputs: inputs.map(matrix), weights: weights.map(matrix) };
}

function toMatrix({ shape, data }: Tensor): Matrix {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}

/** Normal values (Box and Muller) from a small generator (Park and Miller): the same on every run. */
function normalNumbers(seed: number): () => number {
  let state = seed + 1;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
