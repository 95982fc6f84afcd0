import type { FeedForwardAnswer, TokenEffect } from '../api/inside-types.ts';
import { EngineError } from '../api/errors.ts';
import { shownPiece } from '../generation/shown-piece.ts';
import { producerOf } from '../program/partial-program.ts';
import type { Program } from '../program/program.ts';
import { selectTop } from '../sampling/select-top.ts';
import { directPath, type DirectPath } from './direct-path.ts';
import { fixNorm, normForward, type FixedNorm } from './norm-gains.ts';
import { PartialRuns } from './partial-runs.ts';
import { type InsideRun, tapRow } from './tapped-row.ts';

/**
 * The neurons that fire most at a token, with what each adds to the logits on its direct path: the column of the second
 * matrix times the activation, carried to the output matrix with the scales of norms held fixed (Geva et al., 2022).
 */
export async function feedForwardOf(
  run: InsideRun,
  query: { layer: number; token: number; neurons: number; tokens: number },
): Promise<FeedForwardAnswer> {
  const { program, model } = run;
  const path = directPath(program);
  const source = path.sources.find(({ part, ...rest }) => {
    return part === 'feed_forward' && 'layer' in rest && rest.layer === query.layer;
  });
  if (!source || !('op' in source)) {
    throw new EngineError('INTERNAL', `Layer ${query.layer} has no feed-forward network.`);
  }
  const [hidden] = source.op.inputs;
  const { tensors } = await tapRow(run, query.token, [...new Set([...path.tensors, hidden])]);
  const activations = tensors.get(hidden) ?? new Float32Array(0);
  const neurons = selectTop(activations.map(Math.abs), activations.length, query.neurons);
  const runs = new PartialRuns(run.executor, model.config.contextSize, run.cancel);

  // One row per neuron with only its activation; the last, all zeros, gives the bias.
  const { width } = program.tensors[hidden];
  const rows = new Float32Array((neurons.length + 1) * width);
  neurons.forEach((neuron, i) => (rows[i * width + neuron] = activations[neuron]));
  const written = await runs.tensor(program, hidden, rows, source.tensor);
  const out = program.tensors[source.tensor].width;
  const bias = written.subarray(neurons.length * out);
  const norms = await fixNorms(runs, run, path, tensors);
  const final = path.logits.inputs[0];
  const pushed = new Float32Array((neurons.length + 1) * program.tensors[final].width);
  neurons.forEach((_, i) => {
    const part = Float64Array.from(bias, (value, j) => written[i * out + j] - value);
    pushed.set(pushForward(path, norms, source.tensor, part), i * out);
  });
  const effects: Float32Array[] = [];
  for await (const logits of runs.logits(program, final, pushed, 'raw')) effects.push(logits);
  const zero = effects[neurons.length];
  return {
    kind: 'feed_forward',
    ...neuronsOf(program, hidden),
    activations,
    neurons: Array.from(neurons, (neuron, i) => {
      const added = effects[i].map((logit, id) => logit - zero[id]);
      const listed = (sign: 1 | -1) => topEffects(run, added, query.tokens, sign);
      return { neuron, activation: activations[neuron], promotes: listed(1), suppresses: listed(-1) };
    }),
  };
}

/** How a program computes the activations of neurons. */
function neuronsOf(program: Program, hidden: number): Pick<FeedForwardAnswer, 'function' | 'gated'> {
  const last = producerOf(program, hidden);
  const gated = last.op === 'mul';
  const found = (gated ? last.inputs.map((input) => producerOf(program, input)) : [last]).find(
    ({ op }) => op === 'relu' || op === 'silu' || op === 'gelu',
  );
  if (found?.op !== 'relu' && found?.op !== 'silu' && found?.op !== 'gelu') {
    throw new EngineError('INTERNAL', `Tensor ${hidden} does not have activations of neurons.`);
  }
  return { function: found.op, gated };
}

async function fixNorms(
  runs: PartialRuns,
  { program }: InsideRun,
  { steps }: DirectPath,
  tensors: ReadonlyMap<number, Float32Array>,
): Promise<Map<number, FixedNorm>> {
  const norms = new Map<number, FixedNorm>();
  for (const op of steps) {
    if (op.op !== 'rmsNorm' && op.op !== 'layerNorm') continue;
    const row = tensors.get(op.inputs[0]) ?? new Float32Array(0);
    norms.set(op.output ?? 0, await fixNorm(runs, program, op, row));
  }
  return norms;
}

/** Carries a part of a tensor on the path to what the output matrix reads. */
function pushForward(
  { steps }: DirectPath,
  norms: ReadonlyMap<number, FixedNorm>,
  from: number,
  part: Float64Array,
): Float64Array {
  let [tensor, value] = [from, part];
  for (const op of steps.toReversed()) {
    if (!op.inputs.includes(tensor)) continue;
    if (op.op === 'scale') {
      const { factor } = op.attributes;
      value = value.map((entry) => entry * factor);
    }
    const norm = norms.get(op.output ?? 0);
    if (norm) value = normForward(norm, value);
    tensor = op.output ?? 0;
  }
  return value;
}

function topEffects({ model }: InsideRun, added: Float32Array, count: number, sign: 1 | -1): TokenEffect[] {
  const signed = sign === 1 ? added : added.map((value) => -value);
  return Array.from(selectTop(signed, signed.length, count), (id) => {
    return { id, piece: shownPiece(model.tokenizer, id), logit: added[id] };
  });
}
