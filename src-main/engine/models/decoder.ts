/** The building blocks of the decoders in `architectures/`. Weights have GGUF's names. */
import type { RopeAttributes } from '../program/ops.ts';
import type { Program } from '../program/program.ts';
import { ProgramBuilder, type Value } from '../program/program-builder.ts';
import { TAPS } from '../program/taps.ts';
import type { WeightView } from '../program/weights.ts';
import type { Hyperparameters } from './hyperparameters.ts';
import { ropeTable } from './rope-table.ts';

export class Decoder<H extends Hyperparameters = Hyperparameters> {
  readonly p = new ProgramBuilder();
  readonly layers: readonly DecoderLayer[];
  private readonly tokenTable: WeightView;

  /**
   * @param contextSize tokens that the model is loaded for
   * @param pairing which two dimensions of a head form a pair in rotary embedding; null for no rotary embedding
   */
  constructor(
    readonly hyper: H,
    contextSize: number,
    pairing: RopeAttributes['pairing'] | null,
  ) {
    const { blockCount, vocabularySize, embeddingLength, keyLength, rope, ropeLocal } = hyper;
    this.tokenTable = this.p.weight('token_embd.weight', [vocabularySize, embeddingLength]);
    const turn = (parameters: typeof rope) =>
      parameters && pairing && { headDim: keyLength, pairing, ...ropeTable(parameters, contextSize) };
    const [everywhere, local] = [turn(rope), turn(ropeLocal)];
    this.layers = Array.from({ length: blockCount }, (_, index) => {
      const attributes = hyper.localLayers[index] ? local : everywhere;
      return new DecoderLayer(this.p, hyper, index, hyper.ropeLayers[index] ? attributes : null);
    });
  }

  /** Rows of the token table: `[tokens, hidden]`. */
  tokenEmbedding(): Value {
    return this.p.tap(TAPS.tokenEmbedding, this.p.embed(this.tokenTable, 'token'));
  }

  /** Learned vectors of the positions: `[tokens, hidden]`. */
  positionEmbedding(): Value {
    const { contextLength, embeddingLength } = this.hyper;
    const table = this.p.weight('position_embd.weight', [contextLength, embeddingLength]);
    return this.p.tap(TAPS.positionEmbedding, this.p.embed(table, 'position'));
  }

  /** Taps the input of the first layer. */
  embedding(x: Value): Value {
    return this.p.tap(TAPS.embedding, x);
  }

  rmsNorm(name: string, x: Value): Value {
    return this.p.rmsNorm(x, this.p.weight(`${name}.weight`, [x.width]), this.hyper.normEpsilon);
  }

  layerNorm(name: string, x: Value): Value {
    const gain = this.p.weight(`${name}.weight`, [x.width]);
    return this.p.layerNorm(x, gain, this.p.weight(`${name}.bias`, [x.width]), this.hyper.normEpsilon);
  }

  /** The final step: logits from the output matrix, which is the token table when they are tied. */
  logits(x: Value, { biased = false } = {}): Program {
    const { vocabularySize, embeddingLength, tiedEmbeddings, finalLogitSoftcap } = this.hyper;
    const output = tiedEmbeddings ? this.tokenTable : this.p.weight('output.weight', [vocabularySize, embeddingLength]);
    const bias = biased ? { bias: this.p.weight('output.bias', [vocabularySize]) } : {};
    return this.p.logits(x, output, { ...bias, softcap: finalLogitSoftcap });
  }
}

/** Queries `[tokens, headCount * keyLength]`, keys and values `[tokens, headCountKv * keyLength]`. */
export interface Projections {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

export class DecoderLayer {
  constructor(
    readonly p: ProgramBuilder,
    private readonly hyper: Hyperparameters,
    readonly index: number,
    private readonly ropeAttributes: RopeAttributes | null,
  ) {}

  /** x W^T + b: `[tokens, outputs]`. */
  linear(name: string, x: Value, outputs: number, biased: boolean): Value {
    return this.p.linear(
      x,
      this.weight(`${name}.weight`, outputs, x.width),
      biased ? this.weight(`${name}.bias`, outputs) : undefined,
    );
  }

  /** RMS norm over whole rows. */
  rmsNorm(name: string, x: Value): Value {
    return this.p.rmsNorm(x, this.weight(`${name}.weight`, x.width), this.hyper.normEpsilon);
  }

  /** RMS norm over each head separately, with one gain for all heads. */
  headNorm(name: string, x: Value): Value {
    return this.p.rmsNorm(x, this.weight(`${name}.weight`, this.hyper.keyLength), this.hyper.normEpsilon);
  }

  layerNorm(name: string, x: Value): Value {
    const gain = this.weight(`${name}.weight`, x.width);
    return this.p.layerNorm(x, gain, this.weight(`${name}.bias`, x.width), this.hyper.normEpsilon);
  }

  /** Separate projections for queries, keys and values. */
  separateProjections(x: Value): Projections {
    const { headCount, headCountKv, keyLength, biases } = this.hyper;
    const project = (name: string, heads: number) => this.linear(name, x, heads * keyLength, biases.queryKeyValue);
    return { q: project('attn_q', headCount), k: project('attn_k', headCountKv), v: project('attn_v', headCountKv) };
  }

  /** One matrix whose rows are the projections of all queries, then all keys, then all values. */
  fusedProjections(x: Value): Projections {
    const { headCount, headCountKv, keyLength, biases } = this.hyper;
    const [queries, keys] = [headCount * keyLength, headCountKv * keyLength];
    const weight = this.weight('attn_qkv.weight', queries + 2 * keys, x.width);
    const bias = biases.queryKeyValue ? this.weight('attn_qkv.bias', queries + 2 * keys) : undefined;
    const project = (start: number, count: number) =>
      this.p.linear(x, weight.rows(start, count), bias?.rows(start, count));
    return { q: project(0, queries), k: project(queries, keys), v: project(queries + keys, keys) };
  }

  /** Rotates the heads by their position, except in layers without rotary embedding. */
  rope(x: Value): Value {
    return this.ropeAttributes ? this.p.rope(x, this.ropeAttributes) : x;
  }

  /** Attention and its output projection: `[tokens, hidden]`. */
  attention({ q, k, v }: Projections): Value {
    const { headCount, headCountKv, keyLength, embeddingLength, biases, localLayers, slidingWindow } = this.hyper;
    this.p.tap(TAPS.attentionQueries(this.index), q);
    this.p.tap(TAPS.attentionKeys(this.index), k);
    this.p.tap(TAPS.attentionValues(this.index), v);
    const attended = this.p.attention(q, k, v, {
      layer: this.index,
      heads: headCount,
      kvHeads: headCountKv,
      headDim: keyLength,
      scale: this.hyper.attentionScale,
      softcap: this.hyper.attentionLogitSoftcap,
      window: localLayers[this.index] ? slidingWindow : null,
      causal: true,
      weightsTap: TAPS.attentionWeights(this.index),
    });
    this.p.tap(TAPS.attentionHeads(this.index), attended);
    return this.linear('attn_output', attended, embeddingLength, biases.attentionOutput);
  }

  /** down(activation(gate(x)) * up(x)) (Shazeer, 2020). */
  gatedFeedForward(x: Value, activation: 'silu' | 'gelu'): Value {
    const { feedForwardLength, biases } = this.hyper;
    const gate = this.linear('ffn_gate', x, feedForwardLength, biases.feedForward);
    const up = this.linear('ffn_up', x, feedForwardLength, biases.feedForward);
    return this.feedForwardDown(this.p.mul(this.p[activation](gate), up));
  }

  /** As `gatedFeedForward`, with gate and up in one matrix: the first rows are the gate's. */
  fusedGatedFeedForward(x: Value): Value {
    const { feedForwardLength } = this.hyper;
    const both = this.weight('ffn_up.weight', 2 * feedForwardLength, x.width);
    const gate = this.p.linear(x, both.rows(0, feedForwardLength));
    const up = this.p.linear(x, both.rows(feedForwardLength, feedForwardLength));
    return this.feedForwardDown(this.p.mul(this.p.silu(gate), up));
  }

  /** down(activation(up(x))). */
  feedForward(x: Value, activation: 'gelu' | 'relu'): Value {
    const { feedForwardLength, biases } = this.hyper;
    return this.feedForwardDown(this.p[activation](this.linear('ffn_up', x, feedForwardLength, biases.feedForward)));
  }

  /** Adds what attention computed to the residual stream. */
  addAttention(x: Value, attended: Value): Value {
    return this.p.add(x, this.p.tap(TAPS.attentionBlock(this.index), attended));
  }

  /** Adds what the feed-forward network computed to the residual stream. */
  addFeedForward(x: Value, fed: Value): Value {
    return this.p.add(x, this.p.tap(TAPS.feedForwardBlock(this.index), fed));
  }

  /** The residual stream after attention. */
  afterAttention(x: Value, attended: Value): Value {
    return this.p.tap(TAPS.attentionOutput(this.index), this.addAttention(x, attended));
  }

  /** The residual stream after the layer. */
  afterFeedForward(x: Value, fed: Value): Value {
    return this.p.tap(TAPS.layerOutput(this.index), this.addFeedForward(x, fed));
  }

  private feedForwardDown(hidden: Value): Value {
    const { embeddingLength, biases } = this.hyper;
    this.p.tap(TAPS.feedForwardHidden(this.index), hidden);
    return this.linear('ffn_down', hidden, embeddingLength, biases.feedForward);
  }

  private weight(name: string, ...shape: number[]): WeightView {
    return this.p.weight(`blk.${this.index}.${name}`, shape);
  }
}
