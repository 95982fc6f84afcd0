/** How the next token is chosen: plain data, as in `types.ts`. */

/** Stages of the sampler chain, in llama.cpp's names. */
export type SamplerName =
  'penalties' | 'dry' | 'top_n_sigma' | 'top_k' | 'typical' | 'top_p' | 'min_p' | 'xtc' | 'temperature';

/** llama.cpp's order; logit bias always comes first and `dist` last. */
export const DEFAULT_SAMPLER_ORDER: readonly SamplerName[] = [
  'penalties',
  'dry',
  'top_n_sigma',
  'top_k',
  'typical',
  'top_p',
  'min_p',
  'xtc',
  'temperature',
];

/** Sampling settings with llama.cpp's names and defaults (see `defaults.ts`). */
export interface SamplingParams {
  /** Stages in the order they run. A stage listed twice runs twice, one that is not listed is off. See `mirostat`. */
  samplers: SamplerName[];
  /** Softmax temperature; <= 0 is greedy. Default 0.8. */
  temperature: number;
  /** Keep the k highest logits; <= 0 is off. Default 40. */
  topK: number;
  /** Nucleus mass 0..1; >= 1 is off. Default 0.95. */
  topP: number;
  /** Keep tokens at least this fraction as probable as the best; <= 0 is off. Default 0.05. */
  minP: number;
  /** Keep the tokens of the most typical surprise, of this mass 0..1; >= 1 is off. Default 1. */
  typicalP: number;
  /** Keep logits within this many standard deviations of the best; <= 0 is off. Default -1. */
  topNSigma: number;
  /** Chance 0..1 that XTC removes the top choices; <= 0 is off. Default 0. */
  xtcProbability: number;
  /** Probability from which a token is a top choice for XTC; > 0.5 is off. Default 0.1. */
  xtcThreshold: number;
  /** Tokens that top-p, min-p, typical and XTC leave at least. Default 0: they always leave one. */
  minKeep: number;
  /** Divides (or multiplies, when negative) logits of recent tokens; 1 is off. Default 1. */
  repeatPenalty: number;
  /** Subtracted once per earlier occurrence; 0 is off. Default 0. */
  frequencyPenalty: number;
  /** Subtracted once if the token occurred; 0 is off. Default 0. */
  presencePenalty: number;
  /** Tokens of history the penalties look at (prompt included); 0 is off, -1 the whole context. Default 64. */
  penaltyLastN: number;
  /** Strength of DRY's penalty for tokens that would go on repeating a passage; 0 is off. Default 0. */
  dryMultiplier: number;
  /** By what DRY's penalty grows with each token of the passage; < 1 is off. Default 1.75. */
  dryBase: number;
  /** Tokens that may be repeated before DRY's penalty begins. Default 2. */
  dryAllowedLength: number;
  /** Tokens of history DRY looks at (prompt included); 0 is off, -1 the whole context. Default 64. */
  dryPenaltyLastN: number;
  /** Texts at which DRY's search for repetition ends. Default line end, colon, quotation mark and asterisk. */
  drySequenceBreakers: string[];
  /** How far the temperature moves to either side with the model's uncertainty; <= 0 is off. Default 0. */
  dynatempRange: number;
  /** Bends the way from uncertainty to temperature; 1 is straight. Default 1. */
  dynatempExponent: number;
  /** Mirostat's version, which replaces every stage but the temperature; 0 is off. Default 0. */
  mirostat: 0 | 1 | 2;
  /** The surprise per token that mirostat aims at, in bits. Default 5. */
  mirostatTau: number;
  /** How fast mirostat adapts. Default 0.1. */
  mirostatEta: number;
  /** The probability of drawn tokens that adaptive-p aims at, 0..1; it then draws at the end of the chain. < 0 is off. Default -1. */
  adaptiveTarget: number;
  /** How much of earlier tokens counts for adaptive-p, 0..0.99. Default 0.9. */
  adaptiveDecay: number;
  /** `[token id, bias]` added to the raw logits before everything else. Default none. */
  logitBias: [number, number][];
  /** `[text, bias]`: added to the logits of every token that is the text by itself, in any spelling of the vocabulary. Default none. */
  textBias: [string, number][];
  /** Words and phrases that never appear in the reply, whatever tokens would spell them. Default none. */
  bannedTexts: string[];
  /** What the reply must follow; null: nothing. Default null. */
  grammar: GrammarSource | null;
  /** Seed of mt19937, 0..2^32-1; null draws a fresh one, which the reply reports. Default null. */
  seed: number | null;
}

/** A rule for the whole reply: llama.cpp's GBNF, or a JSON schema as JSON text. */
export type GrammarSource = { kind: 'gbnf'; source: string } | { kind: 'json_schema'; source: string };

/** Where a grammar, a schema or a template is wrong. Lines and columns count from 1. */
export interface SourceProblem {
  message: string;
  line: number;
  column: number;
}
