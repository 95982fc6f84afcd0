/** llama.cpp's results (`fixtures/samplers`, the files of `reference/samplers`, unchanged). */
import { readFileSync } from 'node:fs';
import { defaultSamplingParams } from '../api/defaults.ts';
import type { SamplingParams } from '../api/types.ts';
import type { VocabularyText } from '../sampling/dry-breakers.ts';

export function samplerFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/samplers/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Logits by name; a token's id is its index. */
export const logitVectors = samplerFixture<{ vectors: Record<string, number[]> }>('vectors').vectors;

/** Token ids of the rest of the breakers in dry.json. */
const TAILS: Record<string, number[]> = {
  lpha: [75, 79, 71, 64],
  pha: [79, 71, 64],
  ha: [71, 64],
  a: [64],
  'of the': [78, 69, 263],
  'f the': [69, 263],
  ' the': [263],
  the: [83, 257],
  he: [257],
  e: [68],
};

export interface DryCase {
  params: { multiplier: number; base: number; allowed_length: number; last_n: number; breakers: string[] };
  history_name: string;
  history: number[];
  out: { n: number; changed: [number, number, number][] };
}
const { vocab_pieces: pieces } = samplerFixture<{ vocab_pieces: string[] }>('dry');
/** That of llama.gguf, which DRY needs for its breakers. */
export const dryVocabulary: VocabularyText = {
  size: pieces.length,
  text: (id) => pieces[id],
  encode(text) {
    if (!(text in TAILS)) throw new Error(`no ids of ${text}`);
    return TAILS[text];
  },
};

export interface ChainCase {
  name: string;
  seed: number;
  params: Record<string, number>;
  accepted_before: number[];
  chosen: number[];
  surviving_n: number[];
  chosen_p: number[];
}

/** chain.json: step i in 0..31 applies the chain to vector i % 8 and accepts the chosen id. */
export interface ChainGolden {
  logit_vectors: number[][];
  dry_sequence_breakers: string[];
  cases: ChainCase[];
}

/** The settings of a case of chain.json. */
export function chainSampling({ params: p }: ChainCase, drySequenceBreakers: string[]): SamplingParams {
  return {
    ...defaultSamplingParams(),
    temperature: p.temp,
    topK: p.top_k,
    topP: p.top_p,
    minP: p.min_p,
    typicalP: p.typ_p,
    topNSigma: p.top_n_sigma,
    xtcProbability: p.xtc_probability,
    xtcThreshold: p.xtc_threshold,
    minKeep: p.min_keep,
    repeatPenalty: p.penalty_repeat,
    frequencyPenalty: p.penalty_freq,
    presencePenalty: p.penalty_present,
    penaltyLastN: p.penalty_last_n,
    dryMultiplier: p.dry_multiplier,
    dryBase: p.dry_base,
    dryAllowedLength: p.dry_allowed_length,
    dryPenaltyLastN: p.dry_penalty_last_n,
    drySequenceBreakers,
    dynatempRange: p.dynatemp_range,
    dynatempExponent: p.dynatemp_exponent,
  };
}
