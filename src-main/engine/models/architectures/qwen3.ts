import type { Value } from '../../program/program-builder.ts';
import { type ArchitectureProgram, Decoder, type DecoderLayer } from '../decoder.ts';

/** Qwen3 (Yang et al., 2025): norms on each head of q and k before they rotate; heads of a width of their own. */
export const qwen3: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize);
  let x = model.embedding(model.tokenEmbedding());
  for (const layer of model.layers) x = qwen3Layer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};

function qwen3Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({
    q: layer.rope(layer.headNorm('attn_q_norm', q)),
    k: layer.rope(layer.headNorm('attn_k_norm', k)),
    v,
  });
  const x = layer.afterAttention(input, attended);
  return layer.afterFeedForward(x, layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'silu'));
}
