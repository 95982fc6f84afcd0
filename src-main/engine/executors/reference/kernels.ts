import type { OpName, OpOf } from '../../program/ops.ts';
import { attention } from './attention.ts';
import { add, embed, gelu, layerNorm, mul, relu, rmsNorm, scale, silu, softcap, zeroHeads } from './elementwise.ts';
import { linear } from './linear.ts';
import { rope } from './rope.ts';
import type { RunState } from './run-state.ts';

type Kernel<N extends OpName> = (op: OpOf<N>, run: RunState) => void;

/** This executor's implementation of each row of the op table. */
export const KERNELS: { readonly [N in OpName]: Kernel<N> } = {
  input: (op, run) => output(op, run).set(run.given(op.attributes.name)),

  embed: (op, run) => {
    const [table] = op.weights;
    const indices = op.attributes.index === 'token' ? run.batch.tokens : run.batch.positions;
    embed(run.weight(table), table.shape[1], indices, output(op, run));
  },

  linear: (op, run) => {
    const [weight, bias] = op.weights;
    const [outputs, inputs] = weight.shape;
    const rows = run.batch.tokens.length;
    const b = bias ? run.weight(bias) : null;
    linear(input(op, run), rows, inputs, run.weight(weight), b, outputs, output(op, run), () => run.poll());
  },

  layerNorm: (op, run) => {
    const [gain, bias] = op.weights;
    const { eps } = op.attributes;
    layerNorm(input(op, run), gain.shape[0], run.weight(gain), run.weight(bias), eps, output(op, run));
  },

  rmsNorm: (op, run) => rmsNorm(input(op, run), run.weight(op.weights[0]), op.attributes.eps, output(op, run)),

  rope: (op, run) => rope(op.attributes, run.batch.positions, input(op, run), output(op, run)),

  relu: (op, run) => relu(input(op, run), output(op, run)),

  silu: (op, run) => silu(input(op, run), output(op, run)),

  gelu: (op, run) => gelu(input(op, run), output(op, run)),

  scale: (op, run) => scale(input(op, run), op.attributes.factor, output(op, run)),

  zeroHeads: (op, run) => {
    const { headDim, heads } = op.attributes;
    zeroHeads(input(op, run), headDim, heads, run.batch.tokens.length, output(op, run));
  },

  add: (op, run) => add(input(op, run), run.activation(op.inputs[1]), output(op, run)),

  mul: (op, run) => mul(input(op, run), run.activation(op.inputs[1]), output(op, run)),

  cacheWrite: (op, run) => {
    const k = run.activation(op.inputs[0]);
    const v = run.activation(op.inputs[1]);
    const { cells } = run.batch;
    const width = k.length / cells.length;
    cells.forEach((cell, row) => {
      run.keys(op.attributes.layer).set(k.subarray(row * width, (row + 1) * width), cell * width);
      run.values(op.attributes.layer).set(v.subarray(row * width, (row + 1) * width), cell * width);
    });
  },

  attention: (op, run) => {
    const { layer, heads, weightsTap } = op.attributes;
    const tokens = run.batch.tokens.length;
    const weightsContext = Math.max(...run.batch.contexts.map(({ cells }) => cells.length));
    const tapped = weightsTap !== null && run.taps.has(weightsTap);
    const weights = tapped ? new Float32Array(heads * tokens * weightsContext) : null;
    const [keys, values] = [run.keys(layer), run.values(layer)];
    const buffers = { q: input(op, run), keys, values, out: output(op, run), weights, weightsContext };
    attention(op.attributes, run.batch, buffers, () => run.poll());
    if (weights && weightsTap !== null) run.keep(weightsTap, [heads, tokens, weightsContext], weights);
  },

  logits: (op, run) => {
    const [weight, bias] = op.weights;
    const [outputs, inputs] = weight.shape;
    const x = input(op, run);
    const rows = run.logitRows;
    const asked = new Float32Array(rows.length * inputs);
    rows.forEach((row, i) => asked.set(x.subarray(row * inputs, (row + 1) * inputs), i * inputs));
    const logits = new Float32Array(rows.length * outputs);
    const b = bias ? run.weight(bias) : null;
    linear(asked, rows.length, inputs, run.weight(weight), b, outputs, logits, () => run.poll());
    if (op.attributes.softcap !== null) softcap(logits, op.attributes.softcap);
    run.setLogits(logits);
  },
};

function input(op: OpOf<OpName>, run: RunState): Float32Array {
  return run.activation(op.inputs[0]);
}

function output(op: OpOf<OpName>, run: RunState): Float32Array {
  if (op.output === null) throw new TypeError(`${op.op} has no output.`);
  return run.activation(op.output);
}
