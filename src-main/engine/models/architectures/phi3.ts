import type { Value } from '../../program/program-builder.ts';
import { type ArchitectureProgram, Decoder, type DecoderLayer } from '../decoder.ts';

/**
 * Phi-3 (Abdin et al., 2024): Llama with q, k and v in one matrix and gate and up in another; part of each head may
 * not rotate. The sliding window that some of its files name is not applied, as in llama.cpp.
 */
export const phi3: ArchitectureProgram = (hyper, contextSize) => {
  const model = new Decoder(hyper, contextSize);
  let x = model.embedding(model.tokenEmbedding());
  for (const layer of model.layers) x = phi3Layer(layer, x);
  return model.logits(model.rmsNorm('output_norm', x));
};

function phi3Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.fusedProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({ q: layer.rope(q), k: layer.rope(k), v });
  const x = layer.afterAttention(input, attended);
  return layer.afterFeedForward(x, layer.fusedGatedFeedForward(layer.rmsNorm('ffn_norm', x)));
}
