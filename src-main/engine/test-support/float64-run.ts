/**
 * A program computed in double precision by plain formulas, as something to compare executors with: every activation of a
 * whole sequence, and attention's scores and weights.
 */
import type { AttentionAttributes, Op, RopeAttributes } from '../program/ops.ts';
import type { Program } from '../program/program.ts';
import type { WeightStore, WeightView } from '../program/weights.ts';

type Row = number[];

export interface Float64Run {
  /** By tensor of the program: `[tokens][width]`. */
  readonly tensors: ReadonlyMap<number, readonly Row[]>;
  /** By layer: `[head][query][key]`. */
  readonly scores: readonly Row[][][];
  readonly weights: readonly Row[][][];
  /** `[tokens][vocabulary]` */
  readonly logits: readonly Row[];
}

export function float64Run(program: Program, store: WeightStore, ids: readonly number[]): Float64Run {
  const tensors = new Map<number, Row[]>();
  const cache = new Map<number, { k: Row[]; v: Row[] }>();
  const scores: Row[][][] = [];
  const weights: Row[][][] = [];
  let logits: Row[] = [];
  const matrix = (view: WeightView) => rowsOf(view, store);
  const [x, x2] = [0, 1].map((i) => (op: Op) => tensors.get(op.inputs[i])!);
  const linear = (rows: readonly Row[], [w, b]: readonly WeightView[]) => {
    const [outputs, bias] = [matrix(w), b ? matrix(b)[0] : null];
    return rows.map((row) => outputs.map((factors, o) => dot(row, factors) + (bias?.[o] ?? 0)));
  };
  const compute = (op: Op): Row[] => {
    switch (op.op) {
      case 'embed':
        return ids.map((id, position) => matrix(op.weights[0])[op.attributes.index === 'token' ? id : position]);
      case 'linear':
        return linear(x(op), op.weights);
      case 'layerNorm': {
        const [gain, bias] = op.weights.map((view) => matrix(view)[0]);
        return x(op).map((row) => {
          const mean = sum(row) / row.length;
          const deviation = Math.sqrt(sum(row.map((value) => (value - mean) ** 2)) / row.length + op.attributes.eps);
          return row.map((value, i) => ((value - mean) / deviation) * gain[i] + bias[i]);
        });
      }
      case 'rmsNorm': {
        const gain = matrix(op.weights[0])[0];
        return x(op).map((row) =>
          row.map((value, i) => {
            const from = i - (i % gain.length);
            const part = row.slice(from, from + gain.length);
            return (value / Math.sqrt(dot(part, part) / gain.length + op.attributes.eps)) * gain[i % gain.length];
          }),
        );
      }
      case 'rope':
        return x(op).map((row, position) => rotated(row, position, op.attributes));
      case 'relu':
        return each(x(op), (value) => Math.max(0, value));
      case 'silu':
        return each(x(op), (value) => value / (1 + Math.exp(-value)));
      case 'gelu':
        return each(x(op), (u) => u / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3))));
      case 'scale':
        return each(x(op), (value) => value * op.attributes.factor);
      case 'zeroHeads':
        return x(op).map((row) =>
          row.map((value, i) => (op.attributes.heads.includes(Math.floor(i / op.attributes.headDim)) ? 0 : value)),
        );
      case 'add':
        return x(op).map((row, t) => row.map((value, i) => value + x2(op)[t][i]));
      case 'mul':
        return x(op).map((row, t) => row.map((value, i) => value * x2(op)[t][i]));
      case 'attention': {
        const { k, v } = cache.get(op.attributes.layer)!;
        const heads = Array.from({ length: op.attributes.heads }, (_, head) => head);
        scores.push(heads.map((head) => x(op).map((query, t) => scoresOf(op.attributes, head, query, t, k))));
        weights.push(scores.at(-1)!.map((rows) => rows.map(softmax)));
        const { headDim, heads: count, kvHeads } = op.attributes;
        return x(op).map((_, t) =>
          heads.flatMap((head) => {
            const from = Math.floor((head * kvHeads) / count) * headDim;
            const row = weights.at(-1)![head][t];
            return Array.from({ length: headDim }, (__, d) => sum(row.map((weight, i) => weight * v[i][from + d])));
          }),
        );
      }
      default:
        throw new Error(`${op.op} has no output here.`);
    }
  };
  for (const op of program.ops) {
    if (op.op === 'cacheWrite') cache.set(op.attributes.layer, { k: x(op), v: x2(op) });
    else if (op.op === 'logits') {
      const { softcap } = op.attributes;
      const cap = (value: number) => (softcap === null ? value : softcap * Math.tanh(value / softcap));
      logits = each(linear(x(op), op.weights), cap);
    } else tensors.set(op.output!, compute(op));
  }
  return { tensors, scores, weights, logits };
}

function scoresOf(attributes: AttentionAttributes, head: number, query: Row, token: number, k: readonly Row[]): Row {
  const { heads, kvHeads, headDim, scale, softcap, window, causal } = attributes;
  const q = query.slice(head * headDim, (head + 1) * headDim);
  const from = Math.floor((head * kvHeads) / heads) * headDim;
  return k.map((key, i) => {
    if ((causal && i > token) || (window !== null && i <= token - window)) return -Infinity;
    const score = dot(q, key.slice(from, from + headDim)) * scale;
    return softcap === null ? score : softcap * Math.tanh(score / softcap);
  });
}

function softmax(row: Row): Row {
  const highest = Math.max(...row);
  const exponentials = row.map((value) => Math.exp(value - highest));
  return exponentials.map((value) => value / sum(exponentials));
}

function rotated(row: Row, position: number, { headDim, pairing, frequencies, magnitude }: RopeAttributes): Row {
  const turned = [...row];
  for (let head = 0; head < row.length; head += headDim) {
    frequencies.forEach((frequency, i) => {
      const [a, b] =
        pairing === 'halves' ? [head + i, head + i + frequencies.length] : [head + 2 * i, head + 2 * i + 1];
      const [re, im] = [Math.cos(position * frequency), Math.sin(position * frequency)];
      turned[a] = magnitude * (row[a] * re - row[b] * im);
      turned[b] = magnitude * (row[a] * im + row[b] * re);
    });
  }
  return turned;
}

function rowsOf(view: WeightView, store: WeightStore): Row[] {
  const { data, shape } = view.resolve(store);
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}

function each(rows: readonly Row[], formula: (value: number) => number): Row[] {
  return rows.map((row) => row.map(formula));
}

function dot(a: Row, b: Row): number {
  let result = 0;
  for (let i = 0; i < a.length; i++) result += a[i] * b[i];
  return result;
}

function sum(values: Row): number {
  return values.reduce((total, value) => total + value, 0);
}
