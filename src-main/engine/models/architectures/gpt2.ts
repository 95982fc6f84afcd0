import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { readGgufDecoder, scaleOfHead } from '../gguf/read-decoder.ts';
import { writeGgufDecoder } from '../gguf/write-decoder.ts';
import {
  checkActivation,
  dividedWidth,
  HF_LIMITS,
  type HfSource,
  hfTokens,
  perLayer,
  TRANSFORMERS_FORMAT,
} from '../huggingface/read-decoder.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import { type Architecture, PLAIN_USAGE } from './architecture.ts';

const BIASES = { queryKeyValue: true, attentionOutput: true, feedForward: true };
const GGUF_VARIANT = { layerNorm: true, rotates: () => false };
/** Matrices that the class Conv1D stores as `[inputs, outputs]`. */
const CONV1D: ReadonlySet<string> = new Set(['attn_qkv', 'attn_output', 'ffn_up', 'ffn_down']);

/** GPT-2 (Radford et al., 2019): learned positions, layer norms, biases everywhere, GELU without a gate. */
export const gpt2: Architecture = {
  name: 'gpt2',
  ropePairing: null,
  gguf: {
    read: (header) => ({ ...readGgufDecoder(header, GGUF_VARIANT), biases: BIASES }),
    write: (hyper, keys) => writeGgufDecoder(hyper, keys, GGUF_VARIANT),
    attentionScale: scaleOfHead,
  },
  huggingFace: {
    ...TRANSFORMERS_FORMAT,
    types: ['gpt2'],
    read: readConfig,
    readTokens: hfTokens(50_256, 50_256),
    tensors: {
      root: 'transformer',
      layers: 'h',
      model: { token_embd: 'wte', position_embd: 'wpe', output_norm: 'ln_f' },
      block: {
        attn_norm: 'ln_1',
        attn_qkv: 'attn.c_attn',
        attn_output: 'attn.c_proj',
        ffn_norm: 'ln_2',
        ffn_up: 'mlp.c_fc',
        ffn_down: 'mlp.c_proj',
      },
      change: (part, kind) => (kind === 'weight' && CONV1D.has(part) ? 'transpose' : 'none'),
    },
  },
  usage: PLAIN_USAGE,
  program(model) {
    let x = model.embedding(model.p.add(model.tokenEmbedding(), model.positionEmbedding()));
    for (const layer of model.layers) x = gpt2Layer(layer, x);
    return model.logits(model.layerNorm('output_norm', x));
  },
};

/** Reads the configuration, whose keys have GPT-2's own names. */
function readConfig({ config, hasOutputMatrix }: HfSource): Hyperparameters {
  checkActivation(config, { key: 'activation_function', value: 'gelu_new' });
  for (const key of ['scale_attn_by_inverse_layer_idx', 'add_cross_attention']) {
    if (config.isSet(key)) config.exactly(key, false);
  }
  const embeddingLength = config.integer('n_embd', 1, HF_LIMITS.width);
  const headCount = config.integer('n_head', 1, HF_LIMITS.width);
  const blockCount = config.integer('n_layer', 1, HF_LIMITS.layers);
  const keyLength = dividedWidth(config, 'n_head', embeddingLength, headCount);
  return {
    contextLength: config.optionalInteger('n_positions', HF_LIMITS.context, 1024),
    vocabularySize: config.integer('vocab_size', 1, HF_LIMITS.vocabulary),
    blockCount,
    embeddingLength,
    feedForwardLength: config.optionalInteger('n_inner', HF_LIMITS.width, 4 * embeddingLength),
    headCount,
    headCountKv: headCount,
    keyLength,
    normEpsilon: config.isSet('layer_norm_epsilon') ? config.positive('layer_norm_epsilon') : 1e-5,
    attentionScale: config.flag('scale_attn_weights', true) ? 1 / Math.sqrt(keyLength) : 1,
    attentionLogitSoftcap: null,
    finalLogitSoftcap: null,
    slidingWindow: null,
    localLayers: perLayer(blockCount, () => false),
    ropeLayers: perLayer(blockCount, () => false),
    rope: null,
    ropeLocal: null,
    tiedEmbeddings: !hasOutputMatrix,
    biases: BIASES,
  };
}

function gpt2Layer(layer: DecoderLayer, input: Value): Value {
  const attended = layer.attention(layer.fusedProjections(layer.layerNorm('attn_norm', input)));
  const x = layer.afterAttention(input, attended);
  return layer.afterFeedForward(x, layer.feedForward(layer.layerNorm('ffn_norm', x), 'gelu'));
}
