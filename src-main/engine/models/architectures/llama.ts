import type { Value } from '../../program/program-builder.ts';
import { type ArchitectureProgram, Decoder, type DecoderLayer } from '../decoder.ts';

/**
 * Llama (Touvron et al., 2023) and what is built like it: Llama 2 and 3, Mistral, TinyLlama, SmolLM2. GGUF stores the
 * rows of q and k so that rotary embedding turns neighbours.
 */
export const llama: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize, 'interleaved');
  let x = model.embedding(model.tokenEmbedding());
  for (const layer of model.layers) x = llamaLayer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};

/** x = x + attention(norm(x)); x = x + ffn(norm(x)). */
export function llamaLayer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({ q: layer.rope(q), k: layer.rope(k), v });
  const x = layer.afterAttention(input, attended);
  return layer.afterFeedForward(x, layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'silu'));
}
