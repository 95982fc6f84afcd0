import type { AttentionAnswer, AttentionMapsAnswer, InsideQuery } from '../api/inside-types.ts';
import { EngineError } from '../api/errors.ts';
import type { AttentionAttributes } from '../program/ops.ts';
import { tensorName } from '../program/partial-program.ts';
import { TAPS } from '../program/taps.ts';
import { required } from './partial-runs.ts';
import { requiredTensor, type ResidualStream } from './residual-stream.ts';
import type { InsideRun } from './tapped-row.ts';

/** Bytes that heads of a layer may take together; with more, each is computed for itself. */
const MAX_BYTES = 64 * 2 ** 20;

/** Heads or tokens: `[from, to)`. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Heads of a layer, for a range of queries. A run computes all of them, so moving from one to the next need not run again. */
export interface LayerHeads {
  readonly layer: number;
  readonly from: number;
  readonly to: number;
  readonly attributes: AttentionAttributes;
  /** See `AttentionAnswer`. */
  readonly context: number;
  readonly heads: Range;
  readonly kvHeads: Range;
  /** `[to - from, heads, headDim]` */
  readonly queries: Float32Array;
  /** `[context, kvHeads, headDim]` each. */
  readonly keys: Float32Array;
  readonly values: Float32Array;
  /** `[heads, to - from, context]` */
  readonly weights: Float32Array;
  /** `[to - from, heads, headDim]` */
  readonly output: Float32Array;
}

type HeadQuery = Extract<InsideQuery, { kind: 'attention' }>;

export function bytesOfHeads({ queries, keys, values, weights, output }: LayerHeads): number {
  return [queries, keys, values, weights, output].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

export function hasHead(
  known: LayerHeads | null,
  { layer, head, from, to }: Omit<HeadQuery, 'kind'>,
): known is LayerHeads {
  if (known?.layer !== layer || known.from !== from || known.to !== to) return false;
  return head >= known.heads.from && head < known.heads.to;
}

/** The head that is asked about, and all others of the layer if they are not too many bytes. */
export async function headsOfLayer(
  run: InsideRun,
  stream: ResidualStream,
  { layer, head, from, to }: Omit<HeadQuery, 'kind'>,
): Promise<LayerHeads> {
  const attributes = attentionAttributes(run, layer);
  const { heads: all, kvHeads: allOfKv, headDim, causal } = attributes;
  const context = causal ? to : run.ids.length;
  const rows = to - from;
  const bytes = 4 * (all * rows * (context + 2 * headDim) + 2 * allOfKv * context * headDim);
  const heads = bytes <= MAX_BYTES ? { from: 0, to: all } : { from: head, to: head + 1 };
  const kvHeads = { from: kvHeadOf(heads.from, attributes), to: kvHeadOf(heads.to - 1, attributes) + 1 };
  const [count, countOfKv] = [heads.to - heads.from, kvHeads.to - kvHeads.from];
  const found: LayerHeads = {
    ...{ layer, from, to, attributes, context, heads, kvHeads },
    queries: new Float32Array(rows * count * headDim),
    keys: new Float32Array(context * countOfKv * headDim),
    values: new Float32Array(context * countOfKv * headDim),
    weights: new Float32Array(count * rows * context),
    output: new Float32Array(rows * count * headDim),
  };
  // Each with its number of heads, those that are copied, the range of tokens and the target.
  const parts = [
    [TAPS.attentionQueries(layer), all, heads, { from, to }, found.queries],
    [TAPS.attentionKeys(layer), allOfKv, kvHeads, { from: 0, to: context }, found.keys],
    [TAPS.attentionValues(layer), allOfKv, kvHeads, { from: 0, to: context }, found.values],
    [TAPS.attentionHeads(layer), all, heads, { from, to }, found.output],
  ] as const;
  const tensors = parts.map(([tap]) => requiredTensor(run, tap));
  const [, keys, values] = tensors;
  const wanted = { from, to, tensors, before: [keys, values], attention: true };
  await stream.layer(run, layer, wanted, (taps, first, end) => {
    parts.forEach(([, stored, copied, tokens, target], i) => {
      if (end <= tokens.from) return;
      const { data } = required(taps.get(tensorName(tensors[i])));
      const width = (copied.to - copied.from) * headDim;
      for (let token = Math.max(first, tokens.from); token < Math.min(end, tokens.to); token++) {
        const at = ((token - first) * stored + copied.from) * headDim;
        target.set(data.subarray(at, at + width), (token - tokens.from) * width);
      }
    });
    if (end <= from) return;
    const { shape, data } = required(taps.get(TAPS.attentionWeights(layer)));
    const columns = shape[2];
    for (let which = heads.from; which < heads.to; which++) {
      for (let token = Math.max(first, from); token < Math.min(end, to); token++) {
        const at = (which * (end - first) + token - first) * columns;
        const row = (which - heads.from) * rows + token - from;
        found.weights.set(data.subarray(at, at + columns), row * context);
      }
    }
  });
  return found;
}

/** Everything about one of the heads. @param keys range of the keys and values in the answer, by default all */
export function attentionOfHead(layer: LayerHeads, head: number, keys?: Range): AttentionAnswer {
  const { attributes, from, to, context, heads, kvHeads } = layer;
  const { headDim, scale, softcap, window, causal } = attributes;
  const kvHead = kvHeadOf(head, attributes);
  const rows = to - from;
  const at = head - heads.from;
  const all = { from: 0, to: context };
  const shown = keys === undefined ? all : { from: Math.min(keys.from, context), to: Math.min(keys.to, context) };
  const ofKv = (tensor: Float32Array, range: Range) => column(tensor, kvHead - kvHeads.from, kvHeads, headDim, range);
  const answer: AttentionAnswer = {
    ...{ kind: 'attention', kvHead, headDim, context, scale, softcap, window, causal },
    queries: column(layer.queries, at, heads, headDim),
    firstKey: shown.from,
    keys: ofKv(layer.keys, shown),
    values: ofKv(layer.values, shown),
    scores: new Float64Array(rows * context).fill(-Infinity),
    weights: layer.weights.slice(at * rows * context, (at + 1) * rows * context),
    output: column(layer.output, at, heads, headDim),
  };
  scoreHead(answer, keys === undefined ? answer.keys : ofKv(layer.keys, all), from);
  return answer;
}

/** One head of `[tokens, heads, headDim]`, copied: of all tokens, or of a range. */
function column(all: Float32Array, head: number, heads: Range, headDim: number, range?: Range): Float32Array {
  const width = (heads.to - heads.from) * headDim;
  const { from, to } = range ?? { from: 0, to: all.length / width };
  const copy = new Float32Array((to - from) * headDim);
  for (let token = from; token < to; token++) {
    const at = token * width + head * headDim;
    copy.set(all.subarray(at, at + headDim), (token - from) * headDim);
  }
  return copy;
}

/** Head of K and V that a query head reads. */
function kvHeadOf(head: number, { heads, kvHeads }: AttentionAttributes): number {
  return Math.floor((head * kvHeads) / heads);
}

/** @param keys of all tokens */
function scoreHead(answer: AttentionAnswer, keys: Float32Array, from: number): void {
  const { queries, scores, context, headDim, scale, softcap, window, causal } = answer;
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
