/** The sampling settings, with llama.cpp's names and defaults. */
import {
  choice,
  grammar,
  integer,
  names,
  number,
  optionalInteger,
  textBiases,
  texts,
  tokenBiases,
  type NumberSetting,
  type ValuesOf,
} from './setting.ts';

/** Stages of the sampler chain, in llama.cpp's order. Logit bias always comes first and `dist` last. */
export const DEFAULT_SAMPLER_ORDER = [
  'penalties',
  'dry',
  'top_n_sigma',
  'top_k',
  'typical',
  'top_p',
  'min_p',
  'xtc',
  'temperature',
] as const;

/** Whether llama.cpp's name of a stage is adaptive-p, which has no place in the order: it is always last. */
export function isAdaptive(name: string): boolean {
  return name.trim().toLowerCase().replace('-', '_') === 'adaptive_p';
}

export type SamplerName = (typeof DEFAULT_SAMPLER_ORDER)[number];

/** The default order of settings stored before the other stages and `minKeep` existed. */
export const FIRST_SAMPLER_ORDER: readonly SamplerName[] = ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'];

/** Maximum length of a grammar, JSON schema or chat template, in UTF-16 units. */
export const MAX_SOURCE = 256 * 1024;

const MAX_INT32 = 2 ** 31 - 1;
/** In logits: anything larger would decide every draw. */
const MAX_BIAS = 1e9;

/** The settings of the usual stages, and those that apply to all of them. */
export const COMMON_SETTINGS = {
  temperature: number(
    'higher is more varied, lower is more predictable; 0 = greedy',
    { default: 0.8, min: -100, max: 100 },
    { label: 'Temperature', flag: '--temperature <t>', aliases: ['--temp'], gguf: 'temp', hf: 'temperature' },
  ),
  topK: integer(
    'keep the k most probable tokens; 0 = off',
    { default: 40, min: -MAX_INT32, max: MAX_INT32 },
    { label: 'Top-k', flag: '--top-k <k>', gguf: 'top_k', hf: 'top_k' },
  ),
  topP: number(
    'keep the most probable tokens up to this total probability; 1 = off',
    { default: 0.95, min: 0, max: 1 },
    { label: 'Top-p', flag: '--top-p <p>', gguf: 'top_p', hf: 'top_p' },
  ),
  minP: number(
    "keep tokens with at least this share of the top token's probability; 0 = off",
    { default: 0.05, min: 0, max: 1 },
    { label: 'Min-p', flag: '--min-p <p>', gguf: 'min_p', hf: 'min_p' },
  ),
  /** Divides logits of recent tokens, or multiplies them when negative. */
  repeatPenalty: number(
    'penalise recent tokens; 1 = off',
    { default: 1, min: 0.01, max: 100 },
    { label: 'Repeat penalty', flag: '--repeat-penalty <x>', gguf: 'penalty_repeat', hf: 'repetition_penalty' },
  ),
  frequencyPenalty: number(
    'penalise a token for each earlier occurrence; 0 = off',
    { default: 0, min: -100, max: 100 },
    { label: 'Frequency penalty', flag: '--frequency-penalty <x>' },
  ),
  presencePenalty: number(
    'penalise a token once if it occurred before; 0 = off',
    { default: 0, min: -100, max: 100 },
    { label: 'Presence penalty', flag: '--presence-penalty <x>' },
  ),
  /** Includes the prompt. */
  penaltyLastN: integer(
    'apply the penalties to the last n tokens; -1 = all',
    { default: 64, min: -1, max: MAX_INT32, unit: 'tokens' },
    { label: 'Penalty window', flag: '--penalty-last-n <n>', aliases: ['--repeat-last-n'], gguf: 'penalty_last_n' },
  ),
  /** Added to the raw logits before everything else. */
  logitBias: tokenBiases(
    "add a bias to a token's logit; repeatable",
    { default: [], maxCount: 1024 * 1024, maxBias: MAX_BIAS },
    { label: 'Logit bias', flag: '--logit-bias <id=bias>' },
  ),
  /** A stage that is listed twice runs twice; one that is not listed is off. See `mirostat`. */
  samplers: names(
    'sampler stages, in order',
    {
      default: [...DEFAULT_SAMPLER_ORDER],
      values: DEFAULT_SAMPLER_ORDER,
      spellings: { typ_p: 'typical', typical_p: 'typical', typ: 'typical', nucleus: 'top_p', temp: 'temperature' },
      maxCount: 32,
    },
    { label: 'Sampler chain', flag: '--samplers <names>', gguf: 'sequence' },
  ),
  /** For top-p, min-p, typical and XTC. At 0 they still leave one. */
  minKeep: integer(
    'minimum number of tokens that each stage keeps',
    { default: 0, min: 0, max: MAX_INT32, unit: 'tokens' },
    { label: 'Keep at least', flag: '--min-keep <n>' },
  ),
  /** Of mt19937. */
  seed: optionalInteger(
    'the same seed gives the same text (default: a random seed, which is reported)',
    { min: 0, max: 2 ** 32 - 1 },
    { label: 'Seed', flag: '--seed <n>' },
  ),
};

/** The format of a reply, and texts to favour or ban. */
export const CONTENT_SETTINGS = {
  /** Set by four command-line flags. */
  grammar: grammar(
    'grammar or JSON schema for the reply',
    { default: null, maxLength: MAX_SOURCE },
    { label: 'Answer format' },
  ),
  /** However they are tokenized. */
  bannedTexts: texts(
    'never generate this text; repeatable',
    { default: [], maxCount: 256, maxLength: 1000 },
    { label: 'Banned texts', flag: '--ban <text>' },
  ),
  /** Added to the logits of tokens that are the text, with or without a leading space, or that complete it. */
  textBias: textBiases(
    "make a text more or less likely, for example 'cat=+2'; repeatable",
    { default: [], maxCount: 256, maxLength: 1000, maxBias: MAX_BIAS },
    { label: 'Text bias', flag: '--bias <text=bias>' },
  ),
};

/** Off by default. */
export const FURTHER_SETTINGS = {
  typicalP: number(
    'keep the most typical tokens up to this total probability; 1 = off',
    { default: 1, min: 0, max: 1 },
    { label: 'Typical-p', flag: '--typical-p <p>', aliases: ['--typical'], hf: 'typical_p' },
  ),
  /** In standard deviations of the logits; 0 or less is off. */
  topNSigma: number(
    'keep logits within n standard deviations of the top one; 0 or less = off',
    { default: -1, min: -100, max: 100 },
    { label: 'Top-n-sigma', flag: '--top-nsigma <n>', aliases: ['--top-n-sigma'] },
  ),
  xtcProbability: number(
    'probability of removing the top choices; 0 = off',
    { default: 0, min: 0, max: 1 },
    { label: 'XTC probability', flag: '--xtc-probability <p>', gguf: 'xtc_probability' },
  ),
  /** Above 0.5 is off. */
  xtcThreshold: number(
    'minimum probability of a top choice',
    { default: 0.1, min: 0, max: 1 },
    { label: 'XTC threshold', flag: '--xtc-threshold <p>', gguf: 'xtc_threshold' },
  ),
  dryMultiplier: number(
    'penalise tokens that extend a repeated passage; 0 = off',
    { default: 0, min: 0, max: 100 },
    { label: 'DRY multiplier', flag: '--dry-multiplier <x>' },
  ),
  /** Below 1 is off. */
  dryBase: number(
    "how fast the penalty grows with the passage's length",
    { default: 1.75, min: 0, max: 100 },
    { label: 'DRY base', flag: '--dry-base <x>' },
  ),
  dryAllowedLength: integer(
    'longest repetition without a penalty',
    { default: 2, min: 0, max: MAX_INT32, unit: 'tokens' },
    { label: 'DRY allowed length', flag: '--dry-allowed-length <n>' },
  ),
  /** Includes the prompt. */
  dryPenaltyLastN: integer(
    'search the last n tokens for repetition; -1 = all',
    { default: 64, min: -1, max: MAX_INT32, unit: 'tokens' },
    { label: 'DRY window', flag: '--dry-penalty-last-n <n>' },
  ),
  drySequenceBreakers: texts(
    'text that ends a repeated passage; repeatable; "none" for no breakers (default: \\n, :, ", *)',
    { default: ['\n', ':', '"', '*'], maxCount: 64, maxLength: 40, escapes: true },
    { label: 'DRY sequence breakers', flag: '--dry-sequence-breaker <text>' },
  ),
  /** Maximum change in either direction. */
  dynatempRange: number(
    'vary the temperature by up to this much, by entropy; 0 = off',
    { default: 0, min: 0, max: 100 },
    { label: 'Dynamic temperature range', flag: '--dynatemp-range <t>' },
  ),
  /** 1 is linear. */
  dynatempExponent: number(
    'shape of the curve from entropy to temperature; 1 = linear',
    { default: 1, min: 0, max: 100 },
    { label: 'Dynamic temperature exponent', flag: '--dynatemp-exp <x>' },
  ),
  /** The temperature stage still runs. */
  mirostat: choice<0 | 1 | 2>(
    'keep the surprisal of the text constant, instead of using the other samplers; 0 = off',
    { default: 0, values: [0, 1, 2], allowed: '0 (off), 1 or 2' },
    { label: 'Mirostat', flag: '--mirostat <version>', gguf: 'mirostat' },
  ),
  mirostatTau: number(
    'target surprisal per token',
    { default: 5, min: 0, max: 100, unit: 'bits' },
    { label: 'Mirostat target entropy', flag: '--mirostat-ent <bits>', gguf: 'mirostat_tau' },
  ),
  mirostatEta: number(
    'how fast mirostat adapts',
    { default: 0.1, min: 0, max: 1 },
    { label: 'Mirostat learning rate', flag: '--mirostat-lr <x>', gguf: 'mirostat_eta' },
  ),
  /** Draws the token at the end of the chain. */
  adaptiveTarget: number(
    'prefer tokens near this probability; negative = off',
    { default: -1, min: -1, max: 1 },
    { label: 'Adaptive-p target', flag: '--adaptive-target <p>' },
  ),
  adaptiveDecay: number(
    'how much earlier tokens count; higher adapts more slowly',
    { default: 0.9, min: 0, max: 0.99 },
    { label: 'Adaptive-p decay', flag: '--adaptive-decay <x>' },
  ),
};

export const SAMPLING_SETTINGS = { ...COMMON_SETTINGS, ...CONTENT_SETTINGS, ...FURTHER_SETTINGS };

export type SamplingParams = ValuesOf<typeof SAMPLING_SETTINGS>;
export type SamplingKey = keyof SamplingParams;

/** Settings that are a single number. */
export type SamplingNumber = {
  [K in SamplingKey]: (typeof SAMPLING_SETTINGS)[K] extends NumberSetting<number> ? K : never;
}[SamplingKey];
