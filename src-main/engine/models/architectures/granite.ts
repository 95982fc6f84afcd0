import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import { COMMON_DEFAULTS, hfTokens, readHfDecoder, TRANSFORMERS_FORMAT } from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS } from '../huggingface/tensor-names.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';

interface GraniteHyperparameters extends Hyperparameters {
  /** Factor on the token vectors. */
  readonly embeddingScale: number;
  /** Factor on the outputs of attention and feed-forward before they are added to the residual stream. */
  readonly residualScale: number;
  /** Divisor of the logits. */
  readonly logitScale: number;
}

const DEFAULTS = { ...COMMON_DEFAULTS, contextLength: 2048 };

/** Granite 3 (Granite Team, IBM, 2024): Llama with factors on embeddings, attention scores, residuals and logits. */
export const granite: Architecture<GraniteHyperparameters> = {
  name: 'granite',
  ropePairing: 'interleaved',
  gguf: {
    read(header) {
      const { reader, key } = header;
      const rotates = reader.flag(key('rope.scaling.finetuned'), true);
      const hyper = readGgufDecoder(header, { rotates: () => rotates });
      // 0 is off.
      const scale = (name: string, fallback: number) => reader.notNegative(key(name), 0) || fallback;
      return {
        ...hyper,
        attentionScale: scale('attention.scale', scaleOfHead(hyper)),
        embeddingScale: scale('embedding_scale', 1),
        residualScale: scale('residual_scale', 1),
        logitScale: reader.positive(key('logit_scale')),
      };
    },
    write(hyper, keys) {
      writeGgufDecoder(hyper, keys);
      keys.real('attention.scale', hyper.attentionScale);
      keys.real('embedding_scale', hyper.embeddingScale);
      keys.real('residual_scale', hyper.residualScale);
      keys.real('logit_scale', hyper.logitScale);
    },
    attentionScale: (hyper) => hyper.attentionScale,
  },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['granite'],
    read(source) {
      const { config } = source;
      const hyper = readHfDecoder(source, DEFAULTS);
      const scale = (key: string) => (config.isSet(key) ? config.positive(key) : 1);
      return {
        ...hyper,
        biases: { ...hyper.biases, feedForward: config.flag('mlp_bias', false) },
        attentionScale: scale('attention_multiplier'),
        embeddingScale: scale('embedding_multiplier'),
        residualScale: scale('residual_multiplier'),
        logitScale: scale('logits_scaling'),
      };
    },
    readTokens: hfTokens(1, 2),
    tensors: COMMON_TENSORS,
  },
  usage: PLAIN_USAGE,
  program(model) {
    const { p, hyper } = model;
    let x = model.embedding(p.scale(model.tokenEmbedding(), hyper.embeddingScale));
    for (const layer of model.layers) x = graniteLayer(layer, x, hyper.residualScale);
    return model.logits(p.scale(model.rmsNorm('output_norm', x), 1 / hyper.logitScale));
  },
};

/** x = x + scale * attention(norm(x)); x = x + scale * ffn(norm(x)). */
function graniteLayer(layer: DecoderLayer, input: Value, residualScale: number): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({ q: layer.rope(q), k: layer.rope(k), v });
  const x = layer.afterAttention(input, layer.p.scale(attended, residualScale));
  const fed = layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'silu');
  return layer.afterFeedForward(x, layer.p.scale(fed, residualScale));
}
