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

const LLAMA = { ...COMMON_DEFAULTS, contextLength: 2048 };
const MISTRAL = { ...COMMON_DEFAULTS, contextLength: 131_072, keyValueHeads: 8 };

/**
 * Llama (Touvron et al., 2023) and models with the same architecture: Llama 2 and 3, Mistral, TinyLlama, SmolLM2. GGUF
 * orders the rows of q and k so that rotary embedding pairs neighbours.
 */
export const llama: Architecture = {
  name: 'llama',
  ropePairing: 'interleaved',
  gguf: { read: readGgufDecoder, write: writeGgufDecoder, attentionScale: scaleOfHead },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['llama', 'mistral'],
    read(source) {
      const { config, type } = source;
      const hyper = readHfDecoder(source, type === 'mistral' ? MISTRAL : LLAMA);
      const biases = { ...hyper.biases, feedForward: config.flag('mlp_bias', false) };
      const window = type === 'mistral' ? readWindow(config, 4096) : null;
      return { ...hyper, biases, ...readLocalLayers(config, hyper.blockCount, window, () => true) };
    },
    readTokens: hfTokens(1, 2),
    tensors: COMMON_TENSORS,
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.tokenEmbedding());
    for (const layer of model.layers) x = llamaLayer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
};

/** x = x + attention(norm(x)); x = x + ffn(norm(x)). */
export function llamaLayer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({ q: layer.rope(q), k: layer.rope(k), v });
  const x = layer.afterAttention(input, attended);
  return layer.afterFeedForward(x, layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'silu'));
}
