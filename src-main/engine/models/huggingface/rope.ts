import type { ConfigReader } from '../config-reader.ts';
import type { RopeParameters, RopeScaling } from '../hyperparameters.ts';

/** Defaults of a model type for rotary embedding. */
export interface RopeDefaults {
  readonly theta: number;
  /** The key inside `rope_parameters` to read, if there is one per kind of layer. */
  readonly kind?: string;
  /** Whether `partial_rotary_factor` may leave part of a head unrotated. Default false. */
  readonly partial?: boolean;
  /** Default of `original_max_position_embeddings`; `contextLength` if absent. */
  readonly originalContextLength?: number;
  /** Further values of the type key that mean longrope. */
  readonly longropeNames?: readonly string[];
}

/** The dimensions that rotary embedding depends on. */
export interface RopeSize {
  readonly keyLength: number;
  /** `max_position_embeddings`. */
  readonly contextLength: number;
}

/**
 * Rotary embedding of a config.json. transformers 4 writes `rope_theta` and `rope_scaling` at the top level, transformers
 * 5 puts both in `rope_parameters`. Files edited by people may have some of either.
 *
 * @throws EngineError MODEL_FORMAT with the key, also if the two contradict each other
 */
export function readRope(config: ConfigReader, defaults: RopeDefaults, size: RopeSize): RopeParameters {
  const parameters = config.object('rope_parameters');
  const newStyle = (defaults.kind === undefined ? null : parameters?.object(defaults.kind)) ?? parameters;
  // The keys at the top level do not describe the local layers.
  const topLevel = defaults.kind === 'sliding_attention' ? null : config;
  const oldScaling = topLevel?.object('rope_scaling') ?? null;
  const scaling = newStyle ?? oldScaling;
  const base = [newStyle, topLevel].find((reader) => reader?.isSet('rope_theta'));
  const freqBase = base?.positive('rope_theta') ?? defaults.theta;
  const dimensionCount = readDimensionCount(config, newStyle, size.keyLength, defaults);
  const plain = { dimensionCount, freqBase, freqDivisors: null };
  if (scaling === null) return { ...plain, scaling: { type: 'none' }, attentionFactor: 1 };
  const scaledBy = (reader: ConfigReader) => readScaling(config, reader, dimensionCount, { ...defaults, ...size });
  const scaled = scaledBy(scaling);
  if (newStyle && oldScaling) {
    const theta = oldScaling.isSet('rope_theta') ? oldScaling.positive('rope_theta') : freqBase;
    if (theta !== freqBase || JSON.stringify(scaledBy(oldScaling)) !== JSON.stringify(scaled)) {
      throw config.bad('rope_scaling', config.field('rope_scaling'), 'absent, or agree with "rope_parameters"');
    }
  }
  return { ...plain, ...scaled };
}

/** Rotary embedding without scaling. */
export function plainRope(freqBase: number, dimensionCount: number): RopeParameters {
  return { dimensionCount, freqBase, scaling: { type: 'none' }, freqDivisors: null, attentionFactor: 1 };
}

function readDimensionCount(
  config: ConfigReader,
  newStyle: ConfigReader | null,
  keyLength: number,
  { partial = false }: RopeDefaults,
): number {
  const key = 'partial_rotary_factor';
  const reader = newStyle?.isSet(key) ? newStyle : config;
  const factor = reader.isSet(key) ? reader.positive(key) : 1;
  if (!partial && factor !== 1) throw reader.bad(key, factor, '1 for this model_type');
  if (keyLength % 2 !== 0) throw config.bad('head_dim', keyLength, 'even');
  const count = Math.trunc(keyLength * factor);
  if (count < 2 || count > keyLength || count % 2 !== 0) {
    throw reader.bad(key, factor, `a factor that rotates an even number of a head's ${keyLength} values`);
  }
  return count;
}

type Scaled = Pick<RopeParameters, 'scaling' | 'attentionFactor'>;

function readScaling(
  config: ConfigReader,
  scaling: ConfigReader,
  dimensionCount: number,
  { contextLength, originalContextLength = contextLength, longropeNames = [] }: RopeDefaults & RopeSize,
): Scaled {
  const key = scaling.isSet('rope_type') ? 'rope_type' : 'type';
  const name = scaling.isSet(key) ? scaling.optionalText(key) : 'default';
  const type = name !== undefined && longropeNames.includes(name) ? 'longrope' : name;
  const factor = () => scaling.positive('factor');
  switch (type) {
    case 'default':
      return { scaling: { type: 'none' }, attentionFactor: 1 };
    case 'linear':
      return { scaling: { type, factor: factor() }, attentionFactor: 1 };
    case 'llama3':
      return { scaling: readLlama3(scaling, factor()), attentionFactor: 1 };
    case 'yarn':
      return {
        scaling: {
          type,
          factor: factor(),
          originalContextLength: readOriginal(scaling) ?? originalContextLength,
          betaFast: scaling.isSet('beta_fast') ? scaling.positive('beta_fast') : 32,
          betaSlow: scaling.isSet('beta_slow') ? scaling.positive('beta_slow') : 1,
          truncate: scaling.flag('truncate', true),
        },
        attentionFactor: yarnAttentionFactor(scaling, factor()),
      };
    case 'longrope': {
      const original = readOriginal(config) ?? readOriginal(scaling) ?? originalContextLength;
      return {
        scaling: {
          type,
          shortFactors: scaling.positives('short_factor', dimensionCount / 2),
          longFactors: scaling.positives('long_factor', dimensionCount / 2),
          originalContextLength: original,
        },
        attentionFactor: longropeAttentionFactor(scaling, contextLength, original),
      };
    }
    default:
      throw scaling.bad(key, name, 'one of default, linear, llama3, yarn, longrope');
  }
}

function readLlama3(scaling: ConfigReader, factor: number): RopeScaling {
  const lowFreqFactor = scaling.positive('low_freq_factor');
  const highFreqFactor = scaling.positive('high_freq_factor');
  if (highFreqFactor <= lowFreqFactor) {
    throw scaling.bad('high_freq_factor', highFreqFactor, `above low_freq_factor (${lowFreqFactor})`);
  }
  const originalContextLength = scaling.positive('original_max_position_embeddings');
  return { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalContextLength };
}

function readOriginal(config: ConfigReader): number | null {
  const key = 'original_max_position_embeddings';
  return config.isSet(key) ? config.positive(key) : null;
}

/** Peng et al., 2023, and DeepSeek's variant with two weights of the logarithm. */
function yarnAttentionFactor(scaling: ConfigReader, factor: number): number {
  if (scaling.isSet('attention_factor')) return scaling.positive('attention_factor');
  const magnitude = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const numbers = ['mscale', 'mscale_all_dim'].map((key) => (scaling.isSet(key) ? scaling.number(key) : 0));
  const [mscale, mscaleAllDim] = numbers;
  return mscale && mscaleAllDim ? magnitude(mscale) / magnitude(mscaleAllDim) : magnitude(1);
}

/** Ding et al., 2024. */
function longropeAttentionFactor(scaling: ConfigReader, contextLength: number, original: number): number {
  if (scaling.isSet('attention_factor')) return scaling.positive('attention_factor');
  const factor = scaling.isSet('factor') ? scaling.positive('factor') : contextLength / original;
  return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
}
