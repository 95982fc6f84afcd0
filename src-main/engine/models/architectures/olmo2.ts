import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import { COMMON_DEFAULTS, hfTokens, readHfDecoder, TRANSFORMERS_FORMAT } from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS, POST_NORMS, QUERY_KEY_NORMS } from '../huggingface/tensor-names.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';

const DEFAULTS = { ...COMMON_DEFAULTS, contextLength: 2048, normEpsilon: 1e-5 };

/**
 * OLMo 2 (OLMo Team, 2024): norms after attention and feed-forward instead of before, and norms over whole rows of q and
 * k.
 */
export const olmo2: Architecture = {
  name: 'olmo2',
  ropePairing: 'halves',
  gguf: { read: readGgufDecoder, write: writeGgufDecoder, attentionScale: scaleOfHead },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['olmo2'],
    read: (source) => readHfDecoder(source, DEFAULTS),
    readTokens: hfTokens(null, 50_279),
    tensors: { ...COMMON_TENSORS, block: { ...COMMON_TENSORS.block, ...POST_NORMS, ...QUERY_KEY_NORMS } },
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.tokenEmbedding());
    for (const layer of model.layers) x = olmo2Layer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
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
