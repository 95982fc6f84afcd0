/** Reads the GGUF metadata of decoders, with llama.cpp's defaults (llama-model.cpp, `load_hparams`). */
import { EngineError } from '../../api/errors.ts';
import type { Hyperparameters, RopeParameters, RopeScaling } from '../hyperparameters.ts';
import type { MetadataReader } from './metadata-reader.ts';

/** Facts about the file's tensors that the hyperparameters depend on. */
export interface GgufTensorFacts {
  has(name: string): boolean;
  /** Values of the small tensors that change rotary embedding, or null if absent. */
  readonly ropeFreqs: readonly number[] | null;
  readonly ropeFactorsShort: readonly number[] | null;
  readonly ropeFactorsLong: readonly number[] | null;
}

/** Source of the hyperparameters. */
export interface GgufHeader {
  readonly reader: MetadataReader;
  /** GGUF's name of the architecture. */
  readonly architecture: string;
  /** Full name of one of the architecture's keys, for example `llama.block_count`. */
  key(name: string): string;
  /** Number of tokens in the file. */
  readonly vocabularySize: number;
  readonly tensors: GgufTensorFacts;
}

/** Differences of an architecture's keys from Llama's. */
export interface GgufVariant {
  /** Whether norms are layer norms. Default false: RMS norms. */
  readonly layerNorm?: boolean;
  /** Which layers have rotary embedding, as there is no key for it. Default: all. */
  readonly rotates?: (layer: number) => boolean;
}

// Far beyond any model of these kinds, and low enough that a damaged file is reported as such.
const MAX_LAYERS = 1024;
const MAX_WIDTH = 2 ** 18;
const MAX_FEED_FORWARD = 2 ** 20;
const MAX_CONTEXT = 2 ** 27;

/**
 * Hyperparameters of a decoder whose layers all see the whole context.
 * @throws EngineError MODEL_FORMAT with the wrong key, UNSUPPORTED_ARCHITECTURE for unsupported variants
 */
export function readGgufDecoder(header: GgufHeader, variant: GgufVariant = {}): Hyperparameters {
  const { reader, key, tensors, vocabularySize } = header;
  const { layerNorm = false, rotates = () => true } = variant;
  refuseExperts(header);
  const blockCount = reader.integer(key('block_count'), 1, MAX_LAYERS);
  const embeddingLength = reader.integer(key('embedding_length'), 1, MAX_WIDTH);
  const headCount = reader.integer(key('attention.head_count'), 1, embeddingLength);
  const headCountKv = reader.integer(key('attention.head_count_kv'), 1, headCount, headCount);
  if (headCount % headCountKv !== 0) {
    throw reader.bad(key('attention.head_count_kv'), headCountKv, `a divisor of ${headCount}, the number of heads`);
  }
  const keyLength = headWidth(header, embeddingLength, headCount);
  const contextLength = reader.integer(key('context_length'), 1, MAX_CONTEXT);
  const ropeLayers = Array.from({ length: blockCount }, (_, layer) => rotates(layer));
  const rope = ropeLayers.includes(true) ? ropeParameters(header, keyLength, contextLength) : null;
  return {
    contextLength,
    vocabularySize,
    blockCount,
    embeddingLength,
    feedForwardLength: reader.integer(key('feed_forward_length'), 1, MAX_FEED_FORWARD),
    headCount,
    headCountKv,
    keyLength,
    normEpsilon: reader.positive(key(epsilonKey(layerNorm))),
    attentionScale: scaleOfHead({ keyLength }),
    attentionLogitSoftcap: null,
    finalLogitSoftcap: null,
    slidingWindow: null,
    localLayers: ropeLayers.map(() => false),
    ropeLayers,
    rope,
    ropeLocal: rope,
    tiedEmbeddings: !tensors.has('output.weight'),
    biases: {
      queryKeyValue: tensors.has('blk.0.attn_q.bias') || tensors.has('blk.0.attn_qkv.bias'),
      attentionOutput: tensors.has('blk.0.attn_output.bias'),
      feedForward: tensors.has('blk.0.ffn_down.bias'),
    },
  };
}

export function epsilonKey(layerNorm: boolean): string {
  return layerNorm ? 'attention.layer_norm_epsilon' : 'attention.layer_norm_rms_epsilon';
}

/** Default factor on the attention scores: 1 / sqrt(keyLength). */
export function scaleOfHead({ keyLength }: Pick<Hyperparameters, 'keyLength'>): number {
  return 1 / Math.sqrt(keyLength);
}

/** The soft-cap of scores or logits; 0 is off. @param fallback for an absent key */
export function readGgufSoftcap({ reader, key }: GgufHeader, name: string, fallback: number): number | null {
  return reader.notNegative(key(name), fallback) || null;
}

/**
 * Reads which layers attend to a window only.
 * @param fallback window (0 is off) and period for absent keys: the last layer of each period is global
 */
export function readGgufWindow(
  { reader, key }: GgufHeader,
  blockCount: number,
  fallback: { readonly window: number; readonly period: number },
): Pick<Hyperparameters, 'slidingWindow' | 'localLayers'> {
  const layers = (is: (layer: number) => boolean) => Array.from({ length: blockCount }, (_, layer) => is(layer));
  const slidingWindow = reader.integer(key('attention.sliding_window'), 0, MAX_CONTEXT, fallback.window);
  if (slidingWindow === 0) return { slidingWindow: null, localLayers: layers(() => false) };
  const patternKey = key('attention.sliding_window_pattern');
  if (reader.isList(patternKey)) {
    return { slidingWindow, localLayers: reader.optionalNumbers(patternKey, blockCount)!.map((local) => local !== 0) };
  }
  const period = reader.integer(patternKey, 0, MAX_LAYERS, fallback.period);
  return { slidingWindow, localLayers: layers((layer) => period === 0 || layer % period < period - 1) };
}

/** Mixtral and others have the architecture llama, too. */
function refuseExperts({ reader, architecture, key }: GgufHeader): void {
  const experts = reader.has(key('expert_count')) ? reader.integer(key('expert_count'), 0, 2 ** 16) : 0;
  if (experts === 0) return;
  throw new EngineError(
    'UNSUPPORTED_ARCHITECTURE',
    `${reader.fileName}: the model is a mixture of ${experts} experts ("${key('expert_count')}"), which is not supported.`,
    { file: reader.fileName, architecture, experts },
  );
}

function headWidth({ reader, architecture, key }: GgufHeader, embeddingLength: number, headCount: number): number {
  const [keyKey, valueKey] = [key('attention.key_length'), key('attention.value_length')];
  if (!reader.has(keyKey) && embeddingLength % headCount !== 0) {
    const expected = `a divisor of ${embeddingLength}, because "${keyKey}" is missing`;
    throw reader.bad(key('attention.head_count'), headCount, expected);
  }
  const keyLength = reader.integer(keyKey, 1, MAX_WIDTH, embeddingLength / headCount);
  const valueLength = reader.integer(valueKey, 1, MAX_WIDTH, embeddingLength / headCount);
  if (valueLength === keyLength) return keyLength;
  throw new EngineError(
    'UNSUPPORTED_ARCHITECTURE',
    `${reader.fileName}: "${keyKey}" is ${keyLength} and "${valueKey}" is ${valueLength}; they must be equal.`,
    { file: reader.fileName, architecture, keyLength, valueLength },
  );
}

function ropeParameters(header: GgufHeader, keyLength: number, contextLength: number): RopeParameters {
  const { reader, tensors } = header;
  const key = (name: string) => header.key(`rope.${name}`);
  const dimensionCount = reader.integer(key('dimension_count'), 2, keyLength, keyLength);
  if (dimensionCount % 2 !== 0) throw reader.bad(key('dimension_count'), dimensionCount, 'an even number');
  const type = reader.optionalText(key('scaling.type')) ?? 'linear';
  if (!['none', 'linear', 'yarn', 'longrope'].includes(type)) {
    throw reader.bad(key('scaling.type'), type, '"none", "linear", "yarn" or "longrope"');
  }
  // Files of 2023 have the factor under another key.
  const legacyFactor = () => reader.notNegative(key('scale_linear'), 0);
  const stretch = type === 'none' ? 0 : reader.notNegative(key('scaling.factor'), legacyFactor());
  // 0 means no scaling, as in llama.cpp.
  const factor = stretch === 0 ? 1 : stretch;
  const originalContextLength = reader.integer(key('scaling.original_context_length'), 1, MAX_CONTEXT, contextLength);
  const attentionFactor = reader.positive(key('scaling.attn_factor'), 1);
  const pairs = dimensionCount / 2;
  const divisors = checkedLength(reader, 'rope_freqs.weight', tensors.ropeFreqs, pairs);
  const short = checkedLength(reader, 'rope_factors_short.weight', tensors.ropeFactorsShort, pairs);
  const long = checkedLength(reader, 'rope_factors_long.weight', tensors.ropeFactorsLong, pairs);

  let scaling: RopeScaling = factor === 1 ? { type: 'none' } : { type: 'linear', factor };
  if (type === 'yarn') {
    const betaFast = reader.positive(key('scaling.yarn_beta_fast'), 32);
    const betaSlow = reader.positive(key('scaling.yarn_beta_slow'), 1);
    scaling = { type: 'yarn', factor, originalContextLength, betaFast, betaSlow, truncate: true };
  } else if (!divisors && short && long) {
    const stretched = (factors: readonly number[]) => factors.map((value) => value * factor);
    const [shortFactors, longFactors] = [stretched(short), stretched(long)];
    scaling = { type: 'longrope', shortFactors, longFactors, originalContextLength };
  }
  return {
    dimensionCount,
    freqBase: reader.positive(key('freq_base'), 10_000),
    scaling,
    freqDivisors: divisors,
    attentionFactor: type === 'yarn' && factor > 1 ? attentionFactor * (1 + 0.1 * Math.log(factor)) : attentionFactor,
  };
}

function checkedLength(
  reader: MetadataReader,
  name: string,
  values: readonly number[] | null,
  length: number,
): readonly number[] | null {
  if (values === null || (values.length === length && values.every((value) => value > 0))) return values;
  throw new EngineError(
    'MODEL_FORMAT',
    `${reader.fileName}: tensor "${name}" has ${values.length} values; it must have ${length}, all above 0.`,
    { file: reader.fileName, tensor: name, found: values.length, expected: length },
  );
}
