import type { Value } from '../../program/program-builder.ts';
import { type ArchitectureProgram, Decoder, type DecoderLayer } from '../decoder.ts';

/**
 * OLMo 2 (OLMo Team, 2024): norms after attention and feed-forward and none before them, and norms over the whole rows
 * of q and k.
 */
export const olmo2: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize);
  let x = model.embedding(model.tokenEmbedding());
  for (const layer of model.layers) x = olmo2Layer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};

/** x = x + norm(attention(x)); x = x + norm(ffn(x)). */
function olmo2Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(input);
  const attended = layer.attention({
    q: layer.rope(layer.rmsNorm('attn_q_norm', q)),
    k: layer.rope(layer.rmsNorm('attn_k_norm', k)),
    v,
  });
  const x = layer.afterAttention(input, layer.rmsNorm('post_attention_norm', attended));
  return layer.afterFeedForward(x, layer.rmsNorm('post_ffw_norm', layer.gatedFeedForward(x, 'silu')));
}
