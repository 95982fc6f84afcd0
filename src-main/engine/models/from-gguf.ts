/** GGUF metadata to hyperparameters, with llama.cpp's defaults (llama-model.cpp, `load_hparams`). */
import { EngineError } from '../errors.ts';
import { shorten } from '../formats/json/strict-json.ts';
import type { MetadataReader } from './gguf/metadata-reader.ts';
import {
  ARCHITECTURE_NAMES,
  type ArchitectureName,
  type Hyperparameters,
  type RopeParameters,
  type RopeScaling,
} from './hyperparameters.ts';

/** What of the tensors the hyperparameters depend on. */
export interface GgufTensorFacts {
  has(name: string): boolean;
  /** Values of the small tensors that change rotary embedding, those of them that the file has. */
  readonly ropeFreqs: readonly number[] | null;
  readonly ropeFactorsShort: readonly number[] | null;
  readonly ropeFactorsLong: readonly number[] | null;
}

// Far beyond any model of these kinds, and low enough that a damaged file is named and not believed.
const MAX_LAYERS = 1024;
const MAX_WIDTH = 2 ** 18;
const MAX_FEED_FORWARD = 2 ** 20;
const MAX_CONTEXT = 2 ** 27;

/** @throws EngineError UNSUPPORTED_ARCHITECTURE naming the architecture, MODEL_FORMAT when none is named */
export function architectureOf(reader: MetadataReader): ArchitectureName {
  const name = reader.text('general.architecture');
  const found = ARCHITECTURE_NAMES.find((known) => known === name);
  if (found) return found;
  const supported = ARCHITECTURE_NAMES.join(', ');
  throw new EngineError(
    'UNSUPPORTED_ARCHITECTURE',
    `${reader.fileName}: the architecture ${shorten(name)} is not supported. Supported: ${supported}.`,
    { file: reader.fileName, architecture: shorten(name), supported },
  );
}

/**
 * @param vocabularySize tokens that the file lists
 * @throws EngineError MODEL_FORMAT naming the key that is wrong, UNSUPPORTED_ARCHITECTURE for variants that are not built
 */
export function hyperparametersFromGguf(
  reader: MetadataReader,
  vocabularySize: number,
  tensors: GgufTensorFacts,
): Hyperparameters {
  const architecture = architectureOf(reader);
  const key = (name: string) => `${architecture}.${name}`;
  refuseExperts(reader, architecture);

  const blockCount = reader.integer(key('block_count'), 1, MAX_LAYERS);
  const embeddingLength = reader.integer(key('embedding_length'), 1, MAX_WIDTH);
  const headCount = reader.integer(key('attention.head_count'), 1, embeddingLength);
  const headCountKv = reader.integer(key('attention.head_count_kv'), 1, headCount, headCount);
  if (headCount % headCountKv !== 0) {
    throw reader.bad(key('attention.head_count_kv'), headCountKv, `a divisor of ${headCount}, the number of heads`);
  }
  const keyLength = headWidth(reader, architecture, embeddingLength, headCount);
  const epsilon = architecture === 'gpt2' ? 'attention.layer_norm_epsilon' : 'attention.layer_norm_rms_epsilon';
  const contextLength = reader.integer(key('context_length'), 1, MAX_CONTEXT);
  const { slidingWindow, localLayers } = localAttention(reader, architecture, blockCount);
  const rope = architecture === 'gpt2' ? null : ropeParameters(reader, architecture, keyLength, contextLength, tensors);

  return {
    architecture,
    contextLength,
    vocabularySize,
    blockCount,
    embeddingLength,
    feedForwardLength: reader.integer(key('feed_forward_length'), 1, MAX_FEED_FORWARD),
    headCount,
    headCountKv,
    keyLength,
    normEpsilon: reader.positive(key(epsilon)),
    attentionScale: 1 / Math.sqrt(scaledWidth(architecture, blockCount, embeddingLength, headCount, keyLength)),
    ...softcaps(reader, architecture),
    slidingWindow,
    localLayers,
    // SmolLM3 has no key for it: llama.cpp leaves every fourth layer without positions.
    ropeLayers: localLayers.map((_, layer) => rope !== null && (architecture !== 'smollm3' || (layer + 1) % 4 !== 0)),
    rope,
    ropeLocal: architecture === 'gemma3' ? gemma3LocalRope(reader, rope) : rope,
    tiedEmbeddings: !tensors.has('output.weight'),
    biases: {
      queryKeyValue:
        architecture === 'gpt2' ||
        architecture === 'qwen2' ||
        tensors.has('blk.0.attn_q.bias') ||
        tensors.has('blk.0.attn_qkv.bias'),
      attentionOutput: architecture === 'gpt2' || tensors.has('blk.0.attn_output.bias'),
      feedForward: architecture === 'gpt2' || tensors.has('blk.0.ffn_down.bias'),
    },
  };
}

/** Mixtral and others call themselves llama too. */
function refuseExperts(reader: MetadataReader, architecture: ArchitectureName): void {
  const key = `${architecture}.expert_count`;
  const experts = reader.has(key) ? reader.integer(key, 0, 2 ** 16) : 0;
  if (experts === 0) return;
  throw new EngineError(
    'UNSUPPORTED_ARCHITECTURE',
    `${reader.fileName}: the model is a mixture of ${experts} experts ("${key}"), which is not supported.`,
    { file: reader.fileName, architecture, experts },
  );
}

function headWidth(
  reader: MetadataReader,
  architecture: ArchitectureName,
  embeddingLength: number,
  headCount: number,
): number {
  const [keyKey, valueKey] = [`${architecture}.attention.key_length`, `${architecture}.attention.value_length`];
  if (!reader.has(keyKey) && embeddingLength % headCount !== 0) {
    const expected = `a divisor of ${embeddingLength}, because "${keyKey}" is missing`;
    throw reader.bad(`${architecture}.attention.head_count`, headCount, expected);
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

/** Scores are divided by the root of this. The 27B models of Gemma, known by their layers, take another width. */
export function scaledWidth(
  architecture: ArchitectureName,
  blockCount: number,
  embeddingLength: number,
  headCount: number,
  keyLength: number,
): number {
  const gemma27B = (architecture === 'gemma2' && blockCount === 46) || (architecture === 'gemma3' && blockCount === 62);
  return gemma27B ? Math.floor(embeddingLength / headCount) : keyLength;
}

function softcaps(
  reader: MetadataReader,
  architecture: ArchitectureName,
): Pick<Hyperparameters, 'attentionLogitSoftcap' | 'finalLogitSoftcap'> {
  const cap = (name: string, fallback: number) => reader.notNegative(`${architecture}.${name}`, fallback) || null;
  return {
    attentionLogitSoftcap: architecture === 'gemma2' ? cap('attn_logit_softcapping', 50) : null,
    finalLogitSoftcap:
      architecture === 'gemma2' || architecture === 'gemma3'
        ? cap('final_logit_softcapping', architecture === 'gemma2' ? 30 : 0)
        : null,
  };
}

/** Which layers of Gemma attend to a window only. The windows that files of other architectures name are not applied. */
function localAttention(
  reader: MetadataReader,
  architecture: ArchitectureName,
  blockCount: number,
): Pick<Hyperparameters, 'slidingWindow' | 'localLayers'> {
  const none = { slidingWindow: null, localLayers: Array.from({ length: blockCount }, () => false) };
  if (architecture !== 'gemma2' && architecture !== 'gemma3') return none;
  const windowKey = `${architecture}.attention.sliding_window`;
  const slidingWindow = reader.integer(windowKey, 0, MAX_CONTEXT, architecture === 'gemma2' ? 4096 : 0);
  if (slidingWindow === 0) return none;
  return { slidingWindow, localLayers: localPattern(reader, architecture, blockCount) };
}

function localPattern(reader: MetadataReader, architecture: 'gemma2' | 'gemma3', blockCount: number): boolean[] {
  const key = `${architecture}.attention.sliding_window_pattern`;
  if (reader.isList(key)) return reader.optionalNumbers(key, blockCount)!.map((local) => local !== 0);
  const period = reader.integer(key, 0, MAX_LAYERS, architecture === 'gemma2' ? 2 : 6);
  // The last layer of each period is global.
  return Array.from({ length: blockCount }, (_, layer) => period === 0 || layer % period < period - 1);
}

function ropeParameters(
  reader: MetadataReader,
  architecture: ArchitectureName,
  keyLength: number,
  contextLength: number,
  tensors: GgufTensorFacts,
): RopeParameters {
  const key = (name: string) => `${architecture}.rope.${name}`;
  const dimensionCount = reader.integer(key('dimension_count'), 2, keyLength, keyLength);
  if (dimensionCount % 2 !== 0) throw reader.bad(key('dimension_count'), dimensionCount, 'an even number');
  const type = reader.optionalText(key('scaling.type')) ?? 'linear';
  if (!['none', 'linear', 'yarn', 'longrope'].includes(type)) {
    throw reader.bad(key('scaling.type'), type, '"none", "linear", "yarn" or "longrope"');
  }
  const stretch = type === 'none' ? 0 : reader.notNegative(key('scaling.factor'), legacyFactor(reader, key));
  // 0 stands for no scaling, as in llama.cpp.
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

/** Files of 2023 have the factor under this key. */
function legacyFactor(reader: MetadataReader, key: (name: string) => string): number {
  return reader.notNegative(key('scale_linear'), 0);
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

/** Local layers of Gemma 3 see only what is near, so they keep the pre-training's base and are never stretched. */
function gemma3LocalRope(reader: MetadataReader, rope: RopeParameters | null): RopeParameters | null {
  const freqBase = reader.positive('gemma3.rope.freq_base_swa', 10_000);
  return rope && { ...rope, freqBase, scaling: { type: 'none' }, attentionFactor: 1 };
}
