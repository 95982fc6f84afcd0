import type { AttentionAnswer, AttentionMapsAnswer } from '../api/inside-types.ts';
import { EngineError } from '../api/errors.ts';
import type { AttentionAttributes } from '../program/ops.ts';
import { tensorName } from '../program/partial-program.ts';
import { TAPS } from '../program/taps.ts';
import { required } from './partial-runs.ts';
import { requiredTensor, type ResidualStream } from './residual-stream.ts';
import type { InsideRun } from './tapped-row.ts';

/** Everything about one head, for queries `from` up to `to`. */
export async function attentionOfHead(
  run: InsideRun,
  stream: ResidualStream,
  { layer, head, from, to }: { layer: number; head: number; from: number; to: number },
): Promise<AttentionAnswer> {
  const { heads, kvHeads, headDim, scale, softcap, window, causal } = attentionAttributes(run, layer);
  const context = causal ? to : run.ids.length;
  const kvHead = Math.floor((head * kvHeads) / heads);
  const rows = to - from;
  const answer: AttentionAnswer = {
    ...{ kind: 'attention', kvHead, headDim, context, scale, softcap, window, causal },
    queries: new Float32Array(rows * headDim),
    keys: new Float32Array(context * headDim),
    values: new Float32Array(context * headDim),
    scores: new Float64Array(rows * context).fill(-Infinity),
    weights: new Float32Array(rows * context),
    output: new Float32Array(rows * headDim),
  };
  // Each with its number of heads, the head, the first token of the target and the target.
  const parts = [
    [TAPS.attentionQueries(layer), heads, head, from, answer.queries],
    [TAPS.attentionKeys(layer), kvHeads, kvHead, 0, answer.keys],
    [TAPS.attentionValues(layer), kvHeads, kvHead, 0, answer.values],
    [TAPS.attentionHeads(layer), heads, head, from, answer.output],
  ] as const;
  const tensors = parts.map(([tap]) => requiredTensor(run, tap));
  const [, keys, values] = tensors;
  const wanted = { from, to, tensors, before: [keys, values], attention: true };
  await stream.layer(run, layer, wanted, (taps, first, end) => {
    parts.forEach(([, count, which, start, target], i) => {
      if (end <= start) return;
      const { data } = required(taps.get(tensorName(tensors[i])));
      for (let token = Math.max(first, start); token < end && token - start < target.length / headDim; token++) {
        const at = ((token - first) * count + which) * headDim;
        target.set(data.subarray(at, at + headDim), (token - start) * headDim);
      }
    });
    if (end <= from) return;
    const { shape, data } = required(taps.get(TAPS.attentionWeights(layer)));
    const columns = shape[2];
    for (let token = Math.max(first, from); token < Math.min(end, to); token++) {
      const at = (head * (end - first) + token - first) * columns;
      answer.weights.set(data.subarray(at, at + columns), (token - from) * context);
    }
  });
  scoreHead(answer, from);
  return answer;
}

function scoreHead(answer: AttentionAnswer, from: number): void {
  const { queries, keys, scores, context, headDim, scale, softcap, window, causal } = answer;
  for (let row = 0; row * context < scores.length; row++) {
    const token = from + row;
    const first = window === null ? 0 : Math.max(0, token - window + 1);
    for (let column = first; column < (causal ? token + 1 : context); column++) {
      let product = 0;
      for (let i = 0; i < headDim; i++) product += queries[row * headDim + i] * keys[column * headDim + i];
      const scaled = product * scale;
      scores[row * context + column] = softcap === null ? scaled : softcap * Math.tanh(scaled / softcap);
    }
  }
}

/** The weights of all heads of a layer, reduced to pictures. */
export async function attentionMaps(
  run: InsideRun,
  stream: ResidualStream,
  { layer, size: largest }: { layer: number; size: number },
): Promise<AttentionMapsAnswer> {
  const { heads } = attentionAttributes(run, layer);
  const tokens = run.ids.length;
  const tokensPerCell = Math.ceil(tokens / largest);
  const size = Math.ceil(tokens / tokensPerCell);
  const maps = new Float32Array(heads * size * size);
  const wanted = { from: 0, to: tokens, tensors: [], attention: true };
  await stream.layer(run, layer, wanted, (taps, from, to) => {
    const { shape, data } = required(taps.get(TAPS.attentionWeights(layer)));
    const columns = shape[2];
    for (let head = 0; head < heads; head++) {
      for (let token = from; token < to; token++) {
        const row = (head * size + Math.floor(token / tokensPerCell)) * size;
        const at = (head * (to - from) + token - from) * columns;
        for (let column = 0; column < columns; column++) {
          const cell = row + Math.floor(column / tokensPerCell);
          if (data[at + column] > maps[cell]) maps[cell] = data[at + column];
        }
      }
    }
  });
  return { kind: 'attention_maps', heads, size, tokensPerCell, maps };
}

export function attentionAttributes({ program }: InsideRun, layer: number): AttentionAttributes {
  const found = program.ops.find((op) => op.op === 'attention' && op.attributes.layer === layer);
  if (found?.op !== 'attention') throw new EngineError('INTERNAL', `The program has no attention in layer ${layer}.`);
  return found.attributes;
}
