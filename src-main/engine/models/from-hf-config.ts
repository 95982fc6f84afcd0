import { EngineError } from '../errors.ts';
import { shorten } from '../formats/json/strict-json.ts';
import type { ConfigReader } from './config-reader.ts';
import type { ArchitectureName, Hyperparameters, RopeParameters } from './hyperparameters.ts';
import { MAX_CONTEXT, MAX_LAYERS, MAX_VOCABULARY, MAX_WIDTH, optionalInteger } from './hf-limits.ts';
import { readLayers } from './hf-layers.ts';
import { plainRope, readRope, type RopeDefaults } from './hf-rope.ts';

/** What transformers' configuration class of a `model_type` assumes for keys that are absent. */
interface HfDefaults {
  readonly architecture: ArchitectureName;
  readonly activation: { readonly key: string; readonly value: string };
  readonly contextLength: number;
  /** Absent `num_key_value_heads`; null: as many as there are heads, which an explicit null always means. */
  readonly keyValueHeads: number | null;
  /** Absent `head_dim`; null: hidden_size / num_attention_heads. */
  readonly headDim: number | null;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
}

const SILU = { key: 'hidden_act', value: 'silu' };
const GELU_TANH = { key: 'hidden_activation', value: 'gelu_pytorch_tanh' };
const PLAIN = { activation: SILU, keyValueHeads: null, headDim: null, normEpsilon: 1e-6, ropeTheta: 1e4 };
const NO_TOKENS = { bosTokenId: null, eosTokenId: null };
const QWEN = { ...PLAIN, ...NO_TOKENS, contextLength: 32_768, keyValueHeads: 32 };
const GEMMA = { ...PLAIN, activation: GELU_TANH, keyValueHeads: 4, headDim: 256, bosTokenId: 2, eosTokenId: 1 };

/** The same in transformers 4.57 and 5.24. */
const MODEL_TYPES: Readonly<Record<string, HfDefaults>> = {
  llama: { ...PLAIN, architecture: 'llama', contextLength: 2048, bosTokenId: 1, eosTokenId: 2 },
  mistral: {
    ...PLAIN,
    architecture: 'llama',
    contextLength: 131_072,
    keyValueHeads: 8,
    bosTokenId: 1,
    eosTokenId: 2,
  },
  qwen2: { ...QWEN, architecture: 'qwen2' },
  qwen3: { ...QWEN, architecture: 'qwen3', headDim: 128 },
  gemma2: { ...GEMMA, architecture: 'gemma2', contextLength: 8192 },
  gemma3_text: { ...GEMMA, architecture: 'gemma3', contextLength: 131_072, ropeTheta: 1e6 },
  phi3: {
    ...PLAIN,
    architecture: 'phi3',
    contextLength: 4096,
    normEpsilon: 1e-5,
    bosTokenId: 1,
    eosTokenId: 32_000,
  },
  smollm3: {
    ...PLAIN,
    architecture: 'smollm3',
    contextLength: 32_768,
    keyValueHeads: 4,
    ropeTheta: 2e6,
    bosTokenId: 128_000,
    eosTokenId: 128_001,
  },
  olmo2: {
    ...PLAIN,
    architecture: 'olmo2',
    contextLength: 2048,
    normEpsilon: 1e-5,
    bosTokenId: null,
    eosTokenId: 50_279,
  },
  gpt2: {
    ...PLAIN,
    architecture: 'gpt2',
    activation: { key: 'activation_function', value: 'gelu_new' },
    contextLength: 1024,
    normEpsilon: 1e-5,
    bosTokenId: 50_256,
    eosTokenId: 50_256,
  },
};

/** `model_type` of each configuration that can be read. */
export const HF_MODEL_TYPES: readonly string[] = Object.keys(MODEL_TYPES);

/** What a config.json says. */
export interface HfConfig {
  readonly hyperparameters: Hyperparameters;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
}

/**
 * Reads a Hugging Face `config.json` as transformers 4 or 5 writes it, with the defaults of the model type for what it
 * leaves out. (https://huggingface.co/docs/transformers, `configuration_*.py` of each model type.)
 *
 * @param files what the folder holds beside it: whether the weights have their own output matrix, and the
 *   generation_config.json, whose end-of-sequence tokens count too.
 * @throws EngineError UNSUPPORTED_ARCHITECTURE for another `model_type`, MODEL_FORMAT naming the key that is wrong.
 */
export function readHfConfig(
  config: ConfigReader,
  files: { readonly hasOutputMatrix: boolean; readonly generationConfig: ConfigReader | null },
): HfConfig {
  const modelType = config.optionalText('model_type');
  const defaults = modelType !== undefined && Object.hasOwn(MODEL_TYPES, modelType) ? MODEL_TYPES[modelType] : null;
  if (!defaults) throw unsupported(config, modelType);
  const { key, value } = defaults.activation;
  if (config.isSet(key)) config.exactly(key, value);
  const size = defaults.architecture === 'gpt2' ? readGpt2Size(config) : readSize(config, defaults);
  const attention = readAttention(config, defaults, size);
  return {
    hyperparameters: {
      architecture: defaults.architecture,
      ...size,
      ...attention,
      ...readLayers(config, modelType!, size.blockCount),
      ...readRopes(config, defaults, size, attention.keyLength),
      biases: readBiases(config, defaults.architecture),
      // Whatever tie_word_embeddings says: transformers would fill a missing matrix with random numbers.
      tiedEmbeddings: !files.hasOutputMatrix,
    },
    ...readTokens(config, files.generationConfig, defaults, size.vocabularySize),
  };
}

function unsupported(config: ConfigReader, modelType: string | undefined): EngineError {
  const supported = HF_MODEL_TYPES.join(', ');
  const problem =
    modelType === undefined ? '"model_type" is missing' : `the model_type ${shorten(modelType)} is not supported`;
  return new EngineError('UNSUPPORTED_ARCHITECTURE', `${config.fileName}: ${problem}. Supported: ${supported}.`, {
    file: config.fileName,
    architecture: modelType === undefined ? null : shorten(modelType),
    supported,
  });
}

type Size = Pick<
  Hyperparameters,
  | 'contextLength'
  | 'vocabularySize'
  | 'blockCount'
  | 'embeddingLength'
  | 'feedForwardLength'
  | 'headCount'
  | 'headCountKv'
  | 'normEpsilon'
>;

function readSize(config: ConfigReader, defaults: HfDefaults): Size {
  const headCount = config.integer('num_attention_heads', 1, MAX_WIDTH);
  const key = 'num_key_value_heads';
  const assumed = config.has(key) ? headCount : (defaults.keyValueHeads ?? headCount);
  const headCountKv = config.isSet(key) ? config.integer(key, 1, headCount) : assumed;
  if (headCount % headCountKv !== 0) {
    throw config.bad(key, headCountKv, `a divisor of "num_attention_heads" (${headCount})`);
  }
  return {
    contextLength: optionalInteger(config, 'max_position_embeddings', MAX_CONTEXT, defaults.contextLength),
    vocabularySize: config.integer('vocab_size', 1, MAX_VOCABULARY),
    blockCount: config.integer('num_hidden_layers', 1, MAX_LAYERS),
    embeddingLength: config.integer('hidden_size', 1, MAX_WIDTH),
    feedForwardLength: config.integer('intermediate_size', 1, MAX_WIDTH),
    headCount,
    headCountKv,
    normEpsilon: config.isSet('rms_norm_eps') ? config.positive('rms_norm_eps') : defaults.normEpsilon,
  };
}

function readGpt2Size(config: ConfigReader): Size {
  for (const key of ['scale_attn_by_inverse_layer_idx', 'add_cross_attention']) {
    if (config.isSet(key)) config.exactly(key, false);
  }
  const embeddingLength = config.integer('n_embd', 1, MAX_WIDTH);
  const headCount = config.integer('n_head', 1, MAX_WIDTH);
  return {
    contextLength: optionalInteger(config, 'n_positions', MAX_CONTEXT, MODEL_TYPES['gpt2'].contextLength),
    vocabularySize: config.integer('vocab_size', 1, MAX_VOCABULARY),
    blockCount: config.integer('n_layer', 1, MAX_LAYERS),
    embeddingLength,
    feedForwardLength: optionalInteger(config, 'n_inner', MAX_WIDTH, 4 * embeddingLength),
    headCount,
    headCountKv: headCount,
    normEpsilon: config.isSet('layer_norm_epsilon') ? config.positive('layer_norm_epsilon') : 1e-5,
  };
}

type Attention = Pick<Hyperparameters, 'keyLength' | 'attentionScale' | 'attentionLogitSoftcap' | 'finalLogitSoftcap'>;

function readAttention(config: ConfigReader, defaults: HfDefaults, size: Size): Attention {
  const { architecture } = defaults;
  const { embeddingLength, headCount } = size;
  const keyLength = readKeyLength(config, defaults, size);
  if (architecture === 'gemma2' || architecture === 'gemma3') {
    const scalar = config.isSet('query_pre_attn_scalar') ? config.positive('query_pre_attn_scalar') : 256;
    if (config.isSet('use_bidirectional_attention')) config.exactly('use_bidirectional_attention', false);
    const isGemma2 = architecture === 'gemma2';
    return {
      keyLength,
      attentionScale: 1 / Math.sqrt(scalar),
      // Gemma 3's configuration has the key and its model ignores it.
      attentionLogitSoftcap: isGemma2 ? readSoftcap(config, 'attn_logit_softcapping', 50) : null,
      finalLogitSoftcap: readSoftcap(config, 'final_logit_softcapping', isGemma2 ? 30 : null),
    };
  }
  if (architecture === 'gpt2' && embeddingLength % headCount !== 0) {
    throw config.bad('n_head', headCount, `a divisor of "n_embd" (${embeddingLength})`);
  }
  const scaled = architecture !== 'gpt2' || config.flag('scale_attn_weights', true);
  const attentionScale = scaled ? 1 / Math.sqrt(keyLength) : 1;
  return { keyLength, attentionScale, attentionLogitSoftcap: null, finalLogitSoftcap: null };
}

function readKeyLength(config: ConfigReader, defaults: HfDefaults, { embeddingLength, headCount }: Size): number {
  if (defaults.architecture !== 'gpt2' && config.isSet('head_dim')) return config.integer('head_dim', 1, MAX_WIDTH);
  if (defaults.headDim !== null) return defaults.headDim;
  if (embeddingLength % headCount === 0) return embeddingLength / headCount;
  const key = defaults.architecture === 'gpt2' ? 'n_head' : 'num_attention_heads';
  throw config.bad(key, headCount, `a divisor of the hidden size (${embeddingLength})`);
}

/** Absent: the class's value. Null: off. */
function readSoftcap(config: ConfigReader, key: string, fallback: number | null): number | null {
  if (!config.has(key)) return fallback;
  return config.isSet(key) ? config.positive(key) : null;
}

function readRopes(
  config: ConfigReader,
  { architecture, ropeTheta }: HfDefaults,
  { contextLength }: Size,
  keyLength: number,
): { rope: RopeParameters | null; ropeLocal: RopeParameters | null } {
  if (architecture === 'gpt2') return { rope: null, ropeLocal: null };
  const defaults: RopeDefaults = { theta: ropeTheta, keyLength, contextLength };
  if (architecture === 'gemma3') {
    const parameters = config.object('rope_parameters');
    const [full, sliding] = ['full_attention', 'sliding_attention'].map((kind) => parameters?.object(kind));
    const base = config.isSet('rope_local_base_freq') ? config.positive('rope_local_base_freq') : 1e4;
    return {
      rope: readRope(config, defaults, full ?? undefined),
      // rope_scaling is for the layers that see everything.
      ropeLocal: sliding ? readRope(config, { ...defaults, theta: 1e4 }, sliding) : plainRope(base, keyLength),
    };
  }
  if (architecture === 'phi3') {
    const phi3 = { partial: true, originalContextLength: 4096, longropeNames: ['su', 'yarn'] };
    const rope = readRope(config, { ...defaults, ...phi3 });
    return { rope, ropeLocal: rope };
  }
  const rope = readRope(config, defaults);
  return { rope, ropeLocal: rope };
}

function readBiases(config: ConfigReader, architecture: ArchitectureName): Hyperparameters['biases'] {
  if (architecture === 'gpt2') return { queryKeyValue: true, attentionOutput: true, feedForward: true };
  if (architecture === 'qwen2') return { queryKeyValue: true, attentionOutput: false, feedForward: false };
  const attention = architecture !== 'phi3' && config.flag('attention_bias', false);
  const feedForward = (architecture === 'llama' || architecture === 'smollm3') && config.flag('mlp_bias', false);
  return { queryKeyValue: attention, attentionOutput: attention, feedForward };
}

function readTokens(
  config: ConfigReader,
  generationConfig: ConfigReader | null,
  defaults: HfDefaults,
  vocabularySize: number,
): Pick<HfConfig, 'bosTokenId' | 'eosTokenIds'> {
  const readers = generationConfig ? [generationConfig, config] : [config];
  const read = (key: string) => readers.flatMap((reader) => readTokenIds(reader, key, vocabularySize));
  // A default of a vocabulary larger than the model's says nothing.
  const fallback = (key: string, id: number | null) =>
    id !== null && id < vocabularySize && !config.has(key) ? [id] : [];
  const bos = [...read('bos_token_id'), ...fallback('bos_token_id', defaults.bosTokenId)];
  const eos = [...read('eos_token_id'), ...fallback('eos_token_id', defaults.eosTokenId)];
  return { bosTokenId: bos[0] ?? null, eosTokenIds: [...new Set(eos)] };
}

/** One id, a list of them, or none. */
function readTokenIds(config: ConfigReader, key: string, vocabularySize: number): number[] {
  if (!config.isSet(key)) return [];
  if (Array.isArray(config.field(key))) return config.integers(key, vocabularySize - 1);
  return [config.integer(key, 0, vocabularySize - 1)];
}
