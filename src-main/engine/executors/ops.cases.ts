import { KvCache, type SequenceSlots } from '../kv-cache/kv-cache.ts';
import type { Program } from '../program/program.ts';
import { ProgramBuilder, type Value } from '../program/program-builder.ts';
import type { WeightStore, WeightView } from '../program/weights.ts';
import { elementCount, type Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** One operation at one shape. Every executor runs every case; see `ops.test.ts`. */
export interface OpCase {
  readonly name: string;
  /** Tokens of each sequence in the batch. */
  readonly tokens: readonly number[];
  /** Maximum absolute difference from the float64 formula, with the reason if it is not `ROUNDING`. */
  readonly tolerance: number;
  /** Builds the operation under test; `x(width)` is a new input of normally distributed values, `w` a weight of such. */
  build(p: ProgramBuilder, x: (width: number) => Value, w: (...shape: number[]) => WeightView): Value;
  /** The result in float64 by the formula, for one sequence, from the rows of the inputs and the weights. */
  expected(inputs: readonly Matrix[], weights: readonly Matrix[]): Matrix;
}

/** Rows of float64 values; a weight vector is one row. */
export type Matrix = readonly (readonly number[])[];

/** Results of a few units, stored as float32 from sums in double precision: half an ulp, at most 2^-22 below 8. */
const ROUNDING = 1e-6;
/** Sums of about a hundred products reach 100, where half an ulp of float32 is 4e-6. */
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

interface AttentionShape {
  tokens: number[];
  heads: number;
  kvHeads: number;
  headDim: number;
  scale?: number;
  softcap?: number;
  window?: number;
  causal?: boolean;
}

const attentionShapes: AttentionShape[] = [
  { tokens: [1], heads: 1, kvHeads: 1, headDim: 4 },
  { tokens: [9], heads: 4, kvHeads: 4, headDim: 32 },
  { tokens: [6], heads: 4, kvHeads: 2, headDim: 5 },
  { tokens: [5], heads: 3, kvHeads: 1, headDim: 7 },
  { tokens: [3, 7, 1], heads: 2, kvHeads: 2, headDim: 8 },
  { tokens: [6], heads: 2, kvHeads: 1, headDim: 8, scale: 0.125, softcap: 0.5 },
  { tokens: [9], heads: 2, kvHeads: 2, headDim: 4, window: 1 },
  { tokens: [9, 2], heads: 2, kvHeads: 1, headDim: 4, window: 3 },
  { tokens: [4], heads: 1, kvHeads: 1, headDim: 4, window: 4, softcap: 10 },
  { tokens: [9, 3], heads: 4, kvHeads: 2, headDim: 8, causal: false },
  { tokens: [7], heads: 1, kvHeads: 1, headDim: 4, window: 3, causal: false },
];

const attentionCases = attentionShapes.map((shape): OpCase => {
  const { tokens, heads, kvHeads, headDim, scale = 1 / Math.sqrt(headDim), softcap = null, window = null } = shape;
  const { causal = true } = shape;
  const extras = Object.entries({ scale: shape.scale, softcap, window }).filter(([, value]) => value != null);
  return {
    name:
      `attention of ${tokens.join(' + ')} tokens, ${heads} heads of ${headDim} on ${kvHeads}` +
      extras.map(([name, value]) => `, ${name} ${value}`).join('') +
      (causal ? '' : ', without mask'),
    tokens,
    tolerance: ROUNDING,
    build: (p, x) =>
      p.attention(x(heads * headDim), x(kvHeads * headDim), x(kvHeads * headDim), {
        layer: 0,
        heads,
        kvHeads,
        headDim,
        scale,
        softcap,
        window,
        causal,
        weightsTap: null,
      }),
    expected: ([q, k, v]) =>
      q.map((row, t) => {
        const from = Math.max(0, t + 1 - (window ?? Infinity));
        const to = causal ? t + 1 : q.length;
        const score = (query: readonly number[], key: readonly number[]) => {
          const scaled = dot(query, key) * scale;
          return softcap === null ? scaled : softcap * Math.tanh(scaled / softcap);
        };
        const part = (matrix: Matrix, head: number) =>
          matrix.slice(from, to).map((entry) => entry.slice(head * headDim, (head + 1) * headDim));
        return Array.from({ length: heads }, (_, head) => {
          const group = Math.floor(head / (heads / kvHeads));
          const query = row.slice(head * headDim, (head + 1) * headDim);
          const exponentials = part(k, group).map((key) => Math.exp(score(query, key)));
          const total = exponentials.reduce((sum, value) => sum + value, 0);
          return Array.from({ length: headDim }, (_, d) =>
            dot(
              exponentials.map((value) => value / total),
              part(v, group).map((value) => value[d]),
            ),
          );
        }).flat();
      }),
  };
});

const ropeCases = (['interleaved', 'halves'] as const).flatMap((pairing) =>
  [
    { heads: 1, headDim: 2, frequencies: [1], magnitude: 1 },
    { heads: 3, headDim: 8, frequencies: [1, 0.1, 0.01, 0.001], magnitude: 1 },
    // Three of five pairs: the rest of the head is not rotated.
    { heads: 2, headDim: 10, frequencies: [0.7, 0.3, 2], magnitude: 1.25 },
  ].map(({ heads, headDim, frequencies, magnitude }): OpCase => {
    const pairs = frequencies.length;
    return {
      name: `rope of ${heads} heads of ${headDim}, ${pairs} pairs, ${pairing}, magnitude ${magnitude}`,
      tokens: [9],
      tolerance: ROUNDING,
      build: (p, x) => p.rope(x(heads * headDim), { headDim, pairing, frequencies, magnitude }),
      expected: ([x]) =>
        x.map((row, position) => {
          const turned = [...row];
          for (let head = 0; head < heads; head++) {
            frequencies.forEach((frequency, i) => {
              const first = head * headDim + (pairing === 'halves' ? i : 2 * i);
              const second = pairing === 'halves' ? first + pairs : first + 1;
              // (a + ib) e^(i angle)
              const [re, im] = [Math.cos(position * frequency), Math.sin(position * frequency)];
              turned[first] = magnitude * (row[first] * re - row[second] * im);
              turned[second] = magnitude * (row[first] * im + row[second] * re);
            });
          }
          return turned;
        }),
    };
  }),
);

const rmsNormCases = [
  [1, 1],
  [129, 129],
  [12, 4],
].map(([width, part]): OpCase => ({
  name: `rmsNorm of rows of ${width} in parts of ${part}`,
  tokens: [3],
  tolerance: ROUNDING,
  build: (p, x, w) => p.rmsNorm(x(width), w(part), 1e-2),
  expected: ([x], [[gain]]) =>
    x.map((row) =>
      row.map((value, i) => {
        const start = i - (i % part);
        const squares = row.slice(start, start + part).reduce((sum, other) => sum + other ** 2, 0);
        return (value / Math.sqrt(squares / part + 1e-2)) * gain[i % part];
      }),
    ),
}));

/** Element-wise operations with one input. */
const unaryCases = (
  [
    ['silu', (p, x) => p.silu(x), (x) => x / (1 + Math.exp(-x))],
    // The tanh form by the logistic function: (1 + tanh u) / 2 = 1 / (1 + exp(-2u)).
    ['gelu', (p, x) => p.gelu(x), (x) => x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
    ['scale', (p, x) => p.scale(x, 7.5), (x) => 7.5 * x],
  ] satisfies [string, (p: ProgramBuilder, x: Value) => Value, (x: number) => number][]
).flatMap(([name, build, formula]) =>
  [1, 129].map((width): OpCase => ({
    name: `${name}, width ${width}`,
    tokens: [3],
    tolerance: name === 'scale' ? LONG_SUM : ROUNDING,
    build: (p, x) => build(p, x(width)),
    expected: ([x]) => x.map((row) => row.map(formula)),
  })),
);

const zeroHeadsCases = [
  { heads: [1], headDim: 32, of: 4 },
  { heads: [0, 2], headDim: 5, of: 3 },
].map(({ heads, headDim, of }): OpCase => ({
  name: `zeroHeads ${heads.join(' and ')} of ${of} of ${headDim}`,
  tokens: [6],
  tolerance: 0,
  build: (p, x) => p.zeroHeads(x(of * headDim), headDim, heads),
  expected: ([x]) => x.map((row) => row.map((value, i) => (heads.includes(Math.floor(i / headDim)) ? 0 : value))),
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
      name: `mul, width ${width}`,
      tokens: [3],
      tolerance: ROUNDING,
      build: (p, x) => p.mul(x(width), x(width)),
      expected: ([a, b]) => a.map((row, t) => row.map((value, i) => value * b[t][i])),
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
  ...rmsNormCases,
  ...unaryCases,
  ...zeroHeadsCases,
  ...linearCases,
  ...ropeCases,
  ...attentionCases,
];

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Name of the tensor that the operation under test returns. */
export const RESULT = 'result';
/** Rows of the input tables. Tokens of the batch are 0, 1, 2, ..., so each has different values. */
const VOCABULARY = 16;

/** Turns a case into a program: inputs are rows of tables of random values, indexed by token id. */
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

/** Scattered cells for the case's sequences: an earlier sequence was partly released. */
export function takeCells(opCase: OpCase, cells: number): { slots: SequenceSlots[]; ids: number[][] } {
  const cache = new KvCache(cells);
  cache.append(100, [0, 0]);
  cache.append(101, [0]);
  cache.append(102, [0]);
  cache.release(100);
  cache.release(102);
  let next = 0;
  const ids = opCase.tokens.map((count) => Array.from({ length: count }, () => next++));
  return { slots: ids.map((sequence, i) => cache.append(i, sequence)), ids };
}

function toMatrix({ shape, data }: Tensor): Matrix {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}

/** Normally distributed values (Box and Muller) from a small generator (Park and Miller), the same on every run. */
function normalNumbers(seed: number): () => number {
  let state = seed + 1;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
