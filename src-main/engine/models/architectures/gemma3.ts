import type { Value } from '../../program/program-builder.ts';
import { type ArchitectureProgram, Decoder, type DecoderLayer } from '../decoder.ts';
import { embeddingScale } from './gemma2.ts';

/**
 * Gemma 3 (Gemma Team, 2025), the text model: Gemma 2 with norms on each head of q and k in place of the soft-cap on
 * scores, five local layers to each global one, and rotary embedding of another base in the local ones.
 */
export const gemma3: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize);
  let x = model.embedding(model.p.scale(model.tokenEmbedding(), embeddingScale(hyper.embeddingLength)));
  for (const layer of model.layers) x = gemma3Layer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};

function gemma3Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({
    q: layer.rope(layer.headNorm('attn_q_norm', q)),
    k: layer.rope(layer.headNorm('attn_k_norm', k)),
    v,
  });
  const x = layer.afterAttention(input, layer.rmsNorm('post_attention_norm', attended));
  const fed = layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'gelu');
  return layer.afterFeedForward(x, layer.rmsNorm('post_ffw_norm', fed));
}
