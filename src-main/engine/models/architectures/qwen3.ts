import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import { hfTokens, readHfDecoder, TRANSFORMERS_FORMAT } from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS, QUERY_KEY_NORMS } from '../huggingface/tensor-names.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';
import { QWEN_DEFAULTS, readQwenWindow } from './qwen2.ts';

/** Qwen3 (Yang et al., 2025): norms on each head of q and k before they rotate; an explicit head width. */
export const qwen3: Architecture = {
  name: 'qwen3',
  ropePairing: 'halves',
  gguf: { read: readGgufDecoder, write: writeGgufDecoder, attentionScale: scaleOfHead },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['qwen3'],
    read(source) {
      const hyper = readHfDecoder(source, { ...QWEN_DEFAULTS, headDim: 128 });
      return { ...hyper, ...readQwenWindow(source.config, hyper.blockCount) };
    },
    readTokens: hfTokens(null, null),
    tensors: { ...COMMON_TENSORS, block: { ...COMMON_TENSORS.block, ...QUERY_KEY_NORMS } },
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.tokenEmbedding());
    for (const layer of model.layers) x = qwen3Layer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
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
