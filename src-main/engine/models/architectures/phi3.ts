import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import {
  COMMON_DEFAULTS,
  hfTokens,
  readHfDecoder,
  readLocalLayers,
  readWindow,
  TRANSFORMERS_FORMAT,
} from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS } from '../huggingface/tensor-names.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';

const DEFAULTS = {
  ...COMMON_DEFAULTS,
  contextLength: 4096,
  normEpsilon: 1e-5,
  rope: { theta: 1e4, partial: true, originalContextLength: 4096, longropeNames: ['su', 'yarn'] },
};
const { attn_norm, attn_output, ffn_norm, ffn_down } = COMMON_TENSORS.block;

/**
 * Phi-3 (Abdin et al., 2024): Llama with q, k and v in one matrix and gate and up in another; part of each head may be
 * left unrotated. As in llama.cpp, the sliding window of some GGUF files is not applied.
 */
export const phi3: Architecture = {
  name: 'phi3',
  ropePairing: 'halves',
  gguf: { read: readGgufDecoder, write: writeGgufDecoder, attentionScale: scaleOfHead },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['phi3'],
    read(source) {
      const hyper = readHfDecoder(source, DEFAULTS);
      return {
        ...hyper,
        biases: { queryKeyValue: false, attentionOutput: false, feedForward: false },
        ...readLocalLayers(source.config, hyper.blockCount, readWindow(source.config, null), () => true),
      };
    },
    readTokens: hfTokens(1, 32_000),
    tensors: {
      ...COMMON_TENSORS,
      block: {
        attn_norm,
        attn_qkv: 'self_attn.qkv_proj',
        attn_output,
        ffn_norm,
        ffn_up: 'mlp.gate_up_proj',
        ffn_down,
      },
    },
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.tokenEmbedding());
    for (const layer of model.layers) x = phi3Layer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
};

function phi3Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.fusedProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({ q: layer.rope(q), k: layer.rope(k), v });
  const x = layer.afterAttention(input, attended);
  return layer.afterFeedForward(x, layer.fusedGatedFeedForward(layer.rmsNorm('ffn_norm', x)));
}
