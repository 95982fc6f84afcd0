import { EngineError } from '../api/errors.ts';
import type { SamplerName, SamplingParams, StageFindings } from '../api/types.ts';
import type { Candidates } from './candidates.ts';
import { applyDry } from './dry.ts';
import { findBreakers, type Breakers, type VocabularyText } from './dry-breakers.ts';
import { applyDynamicTemperature } from './dynamic-temperature.ts';
import { applyMinP } from './min-p.ts';
import { applyPenalties } from './penalties.ts';
import type { DrawChoice } from './next-choice.ts';
import type { Mt19937 } from './rng.ts';
import { applyTopK } from './top-k.ts';
import { applyTopNSigma } from './top-n-sigma.ts';
import { applyTopP } from './top-p.ts';
import { applyTypical } from './typical.ts';
import { applyXtc } from './xtc.ts';

/** One stage of a chain: changes the candidates in place. `history` is prompt and reply so far, oldest first. */
export type Stage = (candidates: Candidates, history: readonly number[]) => void;

/** A stage without effect because of its settings. */
export const OFF: Stage = () => undefined;

export interface StageContext {
  /** Creates the stage's own generator. */
  createRng(): Mt19937;
  /** For DRY only. */
  vocabulary: VocabularyText | undefined;
  /** Called with what the stage computed, for reports. */
  note(findings: StageFindings): void;
}

/** Creates a stage with the settings and random numbers of one reply. A stage that is listed twice is created twice. */
export function createStage(name: SamplerName, params: Omit<SamplingParams, 'seed'>, context: StageContext): Stage {
  const { minKeep } = params;
  switch (name) {
    case 'penalties':
      return penaltiesStage(params);
    case 'dry':
      return dryStage(params, context.vocabulary);
    case 'top_n_sigma':
      return params.topNSigma <= 0 ? OFF : (candidates) => applyTopNSigma(candidates, params.topNSigma);
    case 'top_k':
      return (candidates) => applyTopK(candidates, params.topK);
    case 'typical':
      return params.typicalP >= 1 ? OFF : (candidates) => applyTypical(candidates, params.typicalP, minKeep);
    case 'top_p':
      return (candidates) => applyTopP(candidates, params.topP, minKeep);
    case 'min_p':
      return (candidates) => applyMinP(candidates, params.minP, minKeep);
    case 'xtc': {
      // Also if it is not used: the chain saves and restores one per stage.
      const rng = context.createRng();
      if (params.xtcProbability <= 0) return OFF;
      const settings = { probability: params.xtcProbability, threshold: params.xtcThreshold };
      return (candidates) => {
        const random = applyXtc(candidates, settings, rng, minKeep);
        if (random !== null) context.note({ random });
      };
    }
    case 'temperature': {
      const { temperature, dynatempRange: range, dynatempExponent: exponent } = params;
      return (candidates) => {
        const applied = applyDynamicTemperature(candidates, { temperature, range, exponent });
        if (applied !== null && range > 0) context.note({ temperature: applied });
      };
    }
  }
}

/** Stages after which the highest logit is still the highest. */
export const KEEPS_BEST: ReadonlySet<string> = new Set(['top_n_sigma', 'top_k', 'top_p', 'min_p', 'temperature']);

/** What a stage does with candidates in the order of their logits, none if it is off; null for one that does more. */
export function drawSteps(name: string, params: Omit<SamplingParams, 'seed'>): DrawChoice['steps'] | null {
  switch (name) {
    case 'top_k':
      return params.topK > 0 ? [['count', params.topK]] : [];
    case 'top_p':
      return params.topP < 1 ? [['mass', params.topP]] : [];
    case 'min_p':
      return params.minP > 0 ? [['difference', Math.log(params.minP)]] : [];
    case 'temperature':
      return params.dynatempRange > 0 ? null : [['temperature', params.temperature]];
    default:
      return null;
  }
}

function penaltiesStage(params: Omit<SamplingParams, 'seed'>): Stage {
  const { repeatPenalty: repeat, frequencyPenalty: frequency, presencePenalty: presence } = params;
  if (repeat === 1 && frequency === 0 && presence === 0) return OFF;
  return (candidates, history) => {
    const lastN = lookBack(params.penaltyLastN, history);
    applyPenalties(candidates, { lastN, repeat, frequency, presence }, history);
  };
}

function dryStage(params: Omit<SamplingParams, 'seed'>, vocabulary: VocabularyText | undefined): Stage {
  const { dryMultiplier: multiplier, dryBase: base, dryAllowedLength: allowedLength } = params;
  // Scanning the vocabulary takes time, and most chains list DRY without using it.
  if (multiplier === 0) return OFF;
  if (vocabulary === undefined) {
    throw new EngineError('INTERNAL', "DRY needs the vocabulary's texts, but this chain was created without them.");
  }
  let breakers: Breakers | undefined;
  return (candidates, history) => {
    breakers ??= findBreakers(params.drySequenceBreakers, vocabulary);
    const lastN = lookBack(params.dryPenaltyLastN, history);
    applyDry(candidates, { multiplier, base, allowedLength, lastN }, breakers, history);
  };
}

/** -1 means the whole history. */
function lookBack(lastN: number, history: readonly number[]): number {
  return lastN === -1 ? history.length : lastN;
}
