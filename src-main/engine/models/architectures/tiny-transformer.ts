import { TAPS } from '../../program/taps.ts';
import type { Value } from '../../program/program-builder.ts';
import type { DecoderLayer } from '../decoder.ts';
import { type HfSource, perLayer } from '../huggingface/read-decoder.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import type { Architecture } from './architecture.ts';

// Far beyond any model of this kind, and low enough that a damaged file is reported as such.
const MAX_VOCABULARY = 1_000_000;
const MAX_WIDTH = 65_536;
const MAX_LAYERS = 256;
const MAX_CONTEXT = 1_000_000;

/**
 * TinyTransformer, the built-in model: a causal PyTorch `nn.TransformerEncoder` with ReLU and post-norm layers (Vaswani
 * et al., 2017), learned positions and an untied output matrix. It continues a text and has no chat roles.
 */
export const tinyTransformer: Architecture = {
  name: 'TinyTransformer',
  ropePairing: null,
  gguf: null,
  huggingFace: {
    typeKey: 'architecture',
    types: ['TinyTransformer'],
    read: readConfig,
    readTokens: ({ config }, vocabularySize) => ({
      bosTokenId: config.integer('bos_token_id', 0, vocabularySize - 1),
      eosTokenIds: [config.integer('eos_token_id', 0, vocabularySize - 1)],
      maskedTokenIds: config.integers('masked_token_ids', vocabularySize - 1),
    }),
    // PyTorch's names. The norms after the residual streams have the names that GGUF uses for BERT.
    tensors: {
      root: null,
      layers: 'encoder.layers',
      model: { token_embd: 'token_embedding', position_embd: 'position_embedding' },
      block: {
        attn_qkv: 'self_attn.in_proj_',
        attn_output: 'self_attn.out_proj',
        attn_output_norm: 'norm1',
        ffn_up: 'linear1',
        ffn_down: 'linear2',
        layer_output_norm: 'norm2',
      },
      change: () => 'none',
    },
    strictTokenizer: true,
  },
  usage: {
    modelName: 'TinyTransformer',
    withoutTemplate: 'running_text',
    // A model of this size falls into loops. Larger ones rarely do, and real text repeats.
    defaultRepetitionWindow: 10,
  },
  program(model) {
    let x = model.embedding(model.p.add(model.tokenEmbedding(), model.positionEmbedding()));
    for (const layer of model.layers) x = encoderLayer(layer, x);
    return model.logits(x, { biased: true });
  },
};

function readConfig({ config }: HfSource): Hyperparameters {
  config.exactly('hidden_act', 'relu');
  config.exactly('norm', 'post');
  config.exactly('tie_word_embeddings', false);
  const vocabularySize = config.integer('vocab_size', 1, MAX_VOCABULARY);
  const embeddingLength = config.integer('hidden_size', 1, MAX_WIDTH);
  const headCount = config.integer('num_attention_heads', 1, embeddingLength);
  if (embeddingLength % headCount !== 0) {
    throw config.bad('num_attention_heads', headCount, `a divisor of "hidden_size" (${embeddingLength})`);
  }
  const blockCount = config.integer('num_hidden_layers', 1, MAX_LAYERS);
  const keyLength = embeddingLength / headCount;
  return {
    contextLength: config.integer('max_position_embeddings', 1, MAX_CONTEXT),
    vocabularySize,
    blockCount,
    embeddingLength,
    feedForwardLength: config.integer('intermediate_size', 1, MAX_WIDTH),
    headCount,
    headCountKv: headCount,
    keyLength,
    normEpsilon: config.positive('layer_norm_eps'),
    attentionScale: 1 / Math.sqrt(keyLength),
    attentionLogitSoftcap: null,
    finalLogitSoftcap: null,
    slidingWindow: null,
    localLayers: perLayer(blockCount, () => false),
    ropeLayers: perLayer(blockCount, () => false),
    rope: null,
    ropeLocal: null,
    tiedEmbeddings: false,
    biases: { queryKeyValue: true, attentionOutput: true, feedForward: true },
  };
}

/** x = LayerNorm(x + attention(x)); x = LayerNorm(x + ffn(x)). */
function encoderLayer(layer: DecoderLayer, input: Value): Value {
  const { p, index } = layer;
  const attended = layer.attention(layer.fusedProjections(input));
  const x = p.tap(
    TAPS.attentionOutput(index),
    layer.layerNorm('attn_output_norm', layer.addAttention(input, attended)),
  );
  const fed = layer.feedForward(x, 'relu');
  return p.tap(TAPS.layerOutput(index), layer.layerNorm('layer_output_norm', layer.addFeedForward(x, fed)));
}
