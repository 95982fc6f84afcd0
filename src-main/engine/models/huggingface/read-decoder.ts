/** Reads the `config.json` of most decoders, as written by transformers 4 or 5. */
import type { ConfigReader } from '../config-reader.ts';
import type { Hyperparameters } from '../hyperparameters.ts';
import { readRope, type RopeDefaults } from './rope.ts';

/** Far beyond any real model, and low enough that a damaged file is reported as such. */
export const HF_LIMITS = { vocabulary: 2 ** 22, width: 2 ** 20, layers: 1024, context: 2 ** 27 } as const;

/** A folder's configuration and the other facts that hyperparameters depend on. */
export interface HfSource {
  readonly config: ConfigReader;
  /** The type that config.json names: one of the architecture's. */
  readonly type: string;
  /** Its end-of-sequence tokens are used too; null when the folder has none. */
  readonly generationConfig: ConfigReader | null;
  /** Whether the weights have a separate output matrix. */
  readonly hasOutputMatrix: boolean;
}

/**
 * What transformers' configuration class of a `model_type` assumes for absent keys, the same in transformers
 * 4.57 and 5.24. (https://huggingface.co/docs/transformers, `configuration_*.py` of each model type.)
 */
export interface HfDefaults {
  readonly activation: { readonly key: string; readonly value: string };
  readonly contextLength: number;
  /** Default of `num_key_value_heads`; null for as many as there are heads, which is also what an explicit null means. */
  readonly keyValueHeads: number | null;
  /** Default of `head_dim`; null for hidden_size / num_attention_heads. */
  readonly headDim: number | null;
  readonly normEpsilon: number;
  readonly rope: RopeDefaults;
}

/** Defaults that many types share. */
export const COMMON_DEFAULTS = {
  activation: { key: 'hidden_act', value: 'silu' },
  keyValueHeads: null,
  headDim: null,
  normEpsilon: 1e-6,
  rope: { theta: 1e4 },
} satisfies Partial<HfDefaults>;

/** How config.json names the architectures of transformers. */
export const TRANSFORMERS_FORMAT = { typeKey: 'model_type', strictTokenizer: false } as const;

/**
 * Hyperparameters of a decoder with rotary embedding and RMS norms, whose layers all see the whole context.
 * @throws EngineError MODEL_FORMAT with the wrong key
 */
export function readHfDecoder(source: HfSource, defaults: HfDefaults): Hyperparameters {
  const { config } = source;
  checkActivation(config, defaults.activation);
  const headCount = config.integer('num_attention_heads', 1, HF_LIMITS.width);
  const contextLength = config.optionalInteger('max_position_embeddings', HF_LIMITS.context, defaults.contextLength);
  const embeddingLength = config.integer('hidden_size', 1, HF_LIMITS.width);
  const blockCount = config.integer('num_hidden_layers', 1, HF_LIMITS.layers);
  const keyLength = readKeyLength(config, defaults, embeddingLength, headCount);
  const rope = readRope(config, defaults.rope, { keyLength, contextLength });
  const attentionBias = config.flag('attention_bias', false);
  return {
    contextLength,
    vocabularySize: config.integer('vocab_size', 1, HF_LIMITS.vocabulary),
    blockCount,
    embeddingLength,
    feedForwardLength: config.integer('intermediate_size', 1, HF_LIMITS.width),
    headCount,
    headCountKv: readKeyValueHeads(config, defaults, headCount),
    keyLength,
    normEpsilon: config.isSet('rms_norm_eps') ? config.positive('rms_norm_eps') : defaults.normEpsilon,
    attentionScale: 1 / Math.sqrt(keyLength),
    attentionLogitSoftcap: null,
    finalLogitSoftcap: null,
    slidingWindow: null,
    localLayers: perLayer(blockCount, () => false),
    ropeLayers: perLayer(blockCount, () => true),
    rope,
    ropeLocal: rope,
    // Whatever tie_word_embeddings says: transformers would fill a missing matrix with random numbers.
    tiedEmbeddings: !source.hasOutputMatrix,
    biases: { queryKeyValue: attentionBias, attentionOutput: attentionBias, feedForward: false },
  };
}

/** `[blockCount]`. */
export function perLayer(blockCount: number, is: (layer: number) => boolean): boolean[] {
  return Array.from({ length: blockCount }, (_, layer) => is(layer));
}

/** Checks that the key is absent or names the expected activation. */
export function checkActivation(config: ConfigReader, { key, value }: HfDefaults['activation']): void {
  if (config.isSet(key)) config.exactly(key, value);
}

function readKeyValueHeads(config: ConfigReader, { keyValueHeads }: HfDefaults, headCount: number): number {
  const key = 'num_key_value_heads';
  const assumed = config.has(key) ? headCount : (keyValueHeads ?? headCount);
  const found = config.isSet(key) ? config.integer(key, 1, headCount) : assumed;
  if (headCount % found === 0) return found;
  throw config.bad(key, found, `a divisor of "num_attention_heads" (${headCount})`);
}

function readKeyLength(
  config: ConfigReader,
  { headDim }: HfDefaults,
  embeddingLength: number,
  headCount: number,
): number {
  if (config.isSet('head_dim')) return config.integer('head_dim', 1, HF_LIMITS.width);
  return headDim ?? dividedWidth(config, 'num_attention_heads', embeddingLength, headCount);
}

/** Width of a head when the hidden size is divided evenly. @param key of the number of heads */
export function dividedWidth(config: ConfigReader, key: string, embeddingLength: number, headCount: number): number {
  if (embeddingLength % headCount === 0) return embeddingLength / headCount;
  throw config.bad(key, headCount, `a divisor of the hidden size (${embeddingLength})`);
}

/** `sliding_window` in tokens; `fallback` when the key is absent, null (no window) when it is null. */
export function readWindow(config: ConfigReader, fallback: number | null): number | null {
  if (!config.has('sliding_window')) return fallback;
  return config.isSet('sliding_window') ? config.integer('sliding_window', 1, HF_LIMITS.context) : null;
}

/**
 * Reads which layers attend to a window only.
 * @param isLocal for a config without `layer_types`
 */
export function readLocalLayers(
  config: ConfigReader,
  blockCount: number,
  window: number | null,
  isLocal: (layer: number) => boolean,
): Pick<Hyperparameters, 'slidingWindow' | 'localLayers'> {
  if (window === null) return { slidingWindow: null, localLayers: perLayer(blockCount, () => false) };
  const localLayers = config.isSet('layer_types')
    ? config
        .choices('layer_types', ['sliding_attention', 'full_attention'], blockCount)
        .map((type) => type === 'sliding_attention')
    : perLayer(blockCount, isLocal);
  return { slidingWindow: localLayers.includes(true) ? window : null, localLayers };
}

/** Absent means the class's default, null means off. */
export function readSoftcap(config: ConfigReader, key: string, fallback: number | null): number | null {
  if (!config.has(key)) return fallback;
  return config.isSet(key) ? config.positive(key) : null;
}

/** Special tokens. */
export interface HfTokens {
  readonly bosTokenId: number | null;
  /** Without duplicates. */
  readonly eosTokenIds: readonly number[];
  /** Tokens that the model must not generate. */
  readonly maskedTokenIds: readonly number[];
}

/** Reads the special tokens of a configuration class whose defaults are `bos` and `eos`; null for none. */
export function hfTokens(bos: number | null, eos: number | null) {
  return ({ config, generationConfig }: HfSource, vocabularySize: number): HfTokens => {
    const readers = generationConfig ? [generationConfig, config] : [config];
    const read = (key: string) => readers.flatMap((reader) => readTokenIds(reader, key, vocabularySize));
    // A default from a larger vocabulary than the model's is meaningless.
    const fallback = (key: string, id: number | null) =>
      id !== null && id < vocabularySize && !config.has(key) ? [id] : [];
    const [bosTokenId = null] = [...read('bos_token_id'), ...fallback('bos_token_id', bos)];
    const ends = [...read('eos_token_id'), ...fallback('eos_token_id', eos)];
    return { bosTokenId, eosTokenIds: [...new Set(ends)], maskedTokenIds: [] };
  };
}

/** One id, a list of them, or none. */
function readTokenIds(config: ConfigReader, key: string, vocabularySize: number): number[] {
  if (!config.isSet(key)) return [];
  if (Array.isArray(config.field(key))) return config.integers(key, vocabularySize - 1);
  return [config.integer(key, 0, vocabularySize - 1)];
}
