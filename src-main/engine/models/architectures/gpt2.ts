import type { Value } from '../../program/program-builder.ts';
import { TAPS } from '../../program/taps.ts';
import { type ArchitectureProgram, Decoder, type DecoderLayer } from '../decoder.ts';

/** GPT-2 (Radford et al., 2019): learned positions, layer norms, biases everywhere, GELU without a gate. */
export const gpt2: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize);
  const { p } = model;
  const positionTable = p.weight('position_embd.weight', [hyper.contextLength, hyper.embeddingLength]);
  const positions = p.tap(TAPS.positionEmbedding, p.embed(positionTable, 'position'));
  let x = model.embedding(p.add(model.tokenEmbedding(), positions));
  for (const layer of model.layers) x = gpt2Layer(layer, x);
  return model.logits(model.layerNorm('output_norm', x));
};

function gpt2Layer(layer: DecoderLayer, input: Value): Value {
  const attended = layer.attention(layer.fusedProjections(layer.layerNorm('attn_norm', input)));
  const x = layer.afterAttention(input, attended);
  return layer.afterFeedForward(x, layer.feedForward(layer.layerNorm('ffn_norm', x)));
}
