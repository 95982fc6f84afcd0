import type { Value } from '../../program/program-builder.ts';
import { type ArchitectureProgram, Decoder, type DecoderLayer } from '../decoder.ts';

/**
 * Gemma 2 (Gemma Team, 2024): a norm before and after each part of a layer, soft-capped scores and logits, local and
 * global layers in turn, GELU gates. GGUF's norms hold Gemma's weights + 1.
 */
export const gemma2: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize);
  let x = model.embedding(model.p.scale(model.tokenEmbedding(), embeddingScale(hyper.embeddingLength)));
  for (const layer of model.layers) x = gemma2Layer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};

/** Token vectors are multiplied by the root of their length, as a float32. The output matrix, tied, is not. */
export function embeddingScale(embeddingLength: number): number {
  return Math.fround(Math.sqrt(embeddingLength));
}

function gemma2Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({ q: layer.rope(q), k: layer.rope(k), v });
  const x = layer.afterAttention(input, layer.rmsNorm('post_attention_norm', attended));
  const fed = layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'gelu');
  return layer.afterFeedForward(x, layer.rmsNorm('post_ffw_norm', fed));
}
