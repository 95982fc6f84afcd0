import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, readGgufSoftcap, readGgufWindow, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import {
  COMMON_DEFAULTS,
  type HfSource,
  hfTokens,
  readHfDecoder,
  readLocalLayers,
  readSoftcap,
  readWindow,
  TRANSFORMERS_FORMAT,
} from '../huggingface/read-decoder.ts';
import { COMMON_TENSORS, type HfTensors, POST_NORMS } from '../huggingface/tensor-names.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';

export const GEMMA_DEFAULTS = {
  ...COMMON_DEFAULTS,
  activation: { key: 'hidden_activation', value: 'gelu_pytorch_tanh' },
  keyValueHeads: 4,
  headDim: 256,
};

/** A norm multiplies by 1 + weight; GGUF stores the sum. */
export const GEMMA_TENSORS: HfTensors = {
  ...COMMON_TENSORS,
  block: { ...COMMON_TENSORS.block, ...POST_NORMS },
  change: (part) => (part.endsWith('norm') ? 'plus-one' : 'none'),
};

/** Local and global layers alternate. */
const PERIOD = 2;
/** Layer count of the 27B model. */
const LARGEST = 46;

/**
 * Gemma 2 (Gemma Team, 2024): a norm before and after each part of a layer, soft-capped scores and logits, alternating
 * local and global layers, GELU gates.
 */
export const gemma2: Architecture = {
  name: 'gemma2',
  ropePairing: 'halves',
  gguf: {
    read(header) {
      const hyper = readGgufDecoder(header);
      return {
        ...hyper,
        attentionScale: gemmaScale(hyper, LARGEST),
        attentionLogitSoftcap: readGgufSoftcap(header, 'attn_logit_softcapping', 50),
        finalLogitSoftcap: readGgufSoftcap(header, 'final_logit_softcapping', 30),
        ...readGgufWindow(header, hyper.blockCount, { window: 4096, period: PERIOD }),
      };
    },
    write(hyper, keys) {
      writeGgufDecoder(hyper, keys, { windowPeriod: PERIOD });
      // llama.cpp has no "off": it divides by the caps, and without the keys it takes 50 and 30.
      if (hyper.attentionLogitSoftcap === null) throw keys.unsupported('attention scores without a soft cap');
      if (hyper.finalLogitSoftcap === null) throw keys.unsupported('logits without a soft cap');
      keys.real('attn_logit_softcapping', hyper.attentionLogitSoftcap);
      keys.real('final_logit_softcapping', hyper.finalLogitSoftcap);
    },
    attentionScale: (hyper) => gemmaScale(hyper, LARGEST),
  },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['gemma2'],
    read(source) {
      const { config } = source;
      const hyper = readHfDecoder(source, { ...GEMMA_DEFAULTS, contextLength: 8192 });
      return {
        ...hyper,
        attentionScale: readQueryScale(source),
        attentionLogitSoftcap: readSoftcap(config, 'attn_logit_softcapping', 50),
        finalLogitSoftcap: readSoftcap(config, 'final_logit_softcapping', 30),
        ...readLocalLayers(config, hyper.blockCount, readWindow(config, 4096), (layer) => layer % PERIOD === 0),
      };
    },
    readTokens: hfTokens(2, 1),
    tensors: GEMMA_TENSORS,
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.p.scale(model.tokenEmbedding(), embeddingScale(model.hyper.embeddingLength)));
    for (const layer of model.layers) x = gemma2Layer(layer, x);
    return model.logits(model.rmsNorm('output_norm', x));
  },
};

/** Factor on the token vectors: the square root of their length, as a float32. The tied output matrix is not scaled. */
export function embeddingScale(embeddingLength: number): number {
  return Math.fround(Math.sqrt(embeddingLength));
}

/**
 * GGUF has no key for the factor on the attention scores. llama.cpp recognises the 27B models, which use another width
 * than the head's, by their layer count.
 * @param largest layer count of the 27B model
 */
export function gemmaScale(hyper: Hyperparameters, largest: number): number {
  if (hyper.blockCount !== largest) return scaleOfHead(hyper);
  return 1 / Math.sqrt(Math.floor(hyper.embeddingLength / hyper.headCount));
}

/** Reads the factor on the attention scores; refuses models with bidirectional attention. */
export function readQueryScale({ config }: HfSource): number {
  if (config.isSet('use_bidirectional_attention')) config.exactly('use_bidirectional_attention', false);
  return 1 / Math.sqrt(config.isSet('query_pre_attn_scalar') ? config.positive('query_pre_attn_scalar') : 256);
}

function gemma2Layer(layer: DecoderLayer, input: Value): Value {
  const { q, k, v } = layer.separateProjections(layer.rmsNorm('attn_norm', input));
  const attended = layer.attention({ q: layer.rope(q), k: layer.rope(k), v });
  const x = layer.afterAttention(input, layer.rmsNorm('post_attention_norm', attended));
  const fed = layer.gatedFeedForward(layer.rmsNorm('ffn_norm', x), 'gelu');
  return layer.afterFeedForward(x, layer.rmsNorm('post_ffw_norm', fed));
}
