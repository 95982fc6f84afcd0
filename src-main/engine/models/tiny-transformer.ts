import type { Program } from '../program/program.ts';
import { ProgramBuilder, type Value } from '../program/program-builder.ts';
import { TAPS } from '../program/taps.ts';
import type { Architecture, ArchitectureConfig } from './architecture.ts';
import type { ConfigReader } from './config-reader.ts';

/**
 * TinyTransformer: a causal PyTorch `nn.TransformerEncoder` with ReLU and post-norm layers (Vaswani et al., 2017),
 * learned positions and an untied head. Tensor names are PyTorch's.
 */
export const TINY_TRANSFORMER: Architecture = {
  name: 'TinyTransformer',
  describe(reader) {
    const hyper = readHyperParameters(reader);
    return { config: describeModel(hyper), program: forwardPass(hyper) };
  },
};

interface HyperParameters {
  vocabularySize: number;
  hiddenSize: number;
  heads: number;
  layers: number;
  feedForwardSize: number;
  contextSize: number;
  layerNormEps: number;
  bosTokenId: number;
  eosTokenId: number;
  maskedTokenIds: number[];
}

// Far beyond any model of this kind, and low enough that a damaged file is named and not believed.
const MAX_VOCABULARY = 1_000_000;
const MAX_WIDTH = 65_536;
const MAX_LAYERS = 256;
const MAX_CONTEXT = 1_000_000;

function readHyperParameters(config: ConfigReader): HyperParameters {
  config.exactly('hidden_act', 'relu');
  config.exactly('norm', 'post');
  config.exactly('tie_word_embeddings', false);
  const vocabularySize = config.integer('vocab_size', 1, MAX_VOCABULARY);
  const hiddenSize = config.integer('hidden_size', 1, MAX_WIDTH);
  const heads = config.integer('num_attention_heads', 1, hiddenSize);
  if (hiddenSize % heads !== 0) {
    throw config.bad('num_attention_heads', heads, `a divisor of "hidden_size" (${hiddenSize})`);
  }
  return {
    vocabularySize,
    hiddenSize,
    heads,
    layers: config.integer('num_hidden_layers', 1, MAX_LAYERS),
    feedForwardSize: config.integer('intermediate_size', 1, MAX_WIDTH),
    contextSize: config.integer('max_position_embeddings', 1, MAX_CONTEXT),
    layerNormEps: config.positive('layer_norm_eps'),
    bosTokenId: config.integer('bos_token_id', 0, vocabularySize - 1),
    eosTokenId: config.integer('eos_token_id', 0, vocabularySize - 1),
    maskedTokenIds: config.integers('masked_token_ids', vocabularySize - 1),
  };
}

function describeModel(hyper: HyperParameters): ArchitectureConfig {
  const { vocabularySize, hiddenSize, heads, layers, feedForwardSize, contextSize } = hyper;
  return {
    name: 'TinyTransformer',
    architecture: 'TinyTransformer',
    layers,
    hiddenSize,
    heads,
    kvHeads: heads,
    headDim: hiddenSize / heads,
    feedForwardSize,
    vocabularySize,
    contextSize,
    bosTokenId: hyper.bosTokenId,
    eosTokenIds: [hyper.eosTokenId],
    maskedTokenIds: hyper.maskedTokenIds,
    hasChatRoles: false,
    // A model of this size falls into loops; larger ones do not, and real text repeats.
    defaultRepetitionWindow: 10,
    chatTemplate: null,
    reasoningMarks: null,
    samplingDefaults: {},
  };
}

function forwardPass(hyper: HyperParameters): Program {
  const { vocabularySize, hiddenSize, contextSize, layers } = hyper;
  const p = new ProgramBuilder();
  const tokens = p.embed(p.weight('token_embedding.weight', [vocabularySize, hiddenSize]), 'token');
  const positions = p.embed(p.weight('position_embedding.weight', [contextSize, hiddenSize]), 'position');
  p.tap(TAPS.tokenEmbedding, tokens);
  p.tap(TAPS.positionEmbedding, positions);

  let x = p.tap(TAPS.embedding, p.add(tokens, positions));
  for (let layer = 0; layer < layers; layer++) x = encoderLayer(p, hyper, layer, x);

  const head = p.weight('lm_head.weight', [vocabularySize, hiddenSize]);
  return p.logits(x, head, { bias: p.weight('lm_head.bias', [vocabularySize]) });
}

/** x = LayerNorm(x + attention(x)); x = LayerNorm(x + ffn(x)). */
function encoderLayer(p: ProgramBuilder, hyper: HyperParameters, layer: number, input: Value): Value {
  const { hiddenSize, heads, feedForwardSize } = hyper;
  const weight = (name: string, ...shape: number[]) => p.weight(`encoder.layers.${layer}.${name}`, shape);
  const linear = (x: Value, name: string, outputs: number) =>
    p.linear(x, weight(`${name}.weight`, outputs, x.width), weight(`${name}.bias`, outputs));
  const norm = (x: Value, name: string) =>
    p.layerNorm(x, weight(`${name}.weight`, hiddenSize), weight(`${name}.bias`, hiddenSize), hyper.layerNormEps);

  // PyTorch stacks the projections of q, k and v: rows 0, hidden and 2 * hidden of one weight.
  const inWeight = weight('self_attn.in_proj_weight', 3 * hiddenSize, hiddenSize);
  const inBias = weight('self_attn.in_proj_bias', 3 * hiddenSize);
  const [q, k, v] = [0, 1, 2].map((part) => {
    const start = part * hiddenSize;
    return p.linear(input, inWeight.rows(start, hiddenSize), inBias.rows(start, hiddenSize));
  });
  const headDim = hiddenSize / heads;
  const attended = p.attention(q, k, v, {
    layer,
    heads,
    kvHeads: heads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    softcap: null,
    window: null,
    weightsTap: TAPS.attentionWeights(layer),
  });
  const projected = linear(attended, 'self_attn.out_proj', hiddenSize);
  const x = p.tap(TAPS.attentionOutput(layer), norm(p.add(input, projected), 'norm1'));

  const hidden = p.tap(TAPS.feedForwardHidden(layer), p.relu(linear(x, 'linear1', feedForwardSize)));
  const output = norm(p.add(x, linear(hidden, 'linear2', hiddenSize)), 'norm2');
  return p.tap(TAPS.layerOutput(layer), output);
}
