/** The settings that hold until a person changes them. Plain data: the protocol, the interface and the CLI use it too. */
import {
  DEFAULT_SAMPLER_ORDER,
  type GenerateParams,
  type PromptInput,
  type SamplingParams,
  type StopParams,
} from './types.ts';

/** llama.cpp's sampling defaults, so that settings copied from there mean the same here. */
export function defaultSamplingParams(): SamplingParams {
  return {
    samplers: [...DEFAULT_SAMPLER_ORDER],
    temperature: 0.8,
    topK: 40,
    topP: 0.95,
    minP: 0.05,
    typicalP: 1,
    topNSigma: -1,
    xtcProbability: 0,
    xtcThreshold: 0.1,
    minKeep: 0,
    repeatPenalty: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    penaltyLastN: 64,
    dryMultiplier: 0,
    dryBase: 1.75,
    dryAllowedLength: 2,
    dryPenaltyLastN: 64,
    drySequenceBreakers: ['\n', ':', '"', '*'],
    dynatempRange: 0,
    dynatempExponent: 1,
    mirostat: 0,
    mirostatTau: 5,
    mirostatEta: 0.1,
    adaptiveTarget: -1,
    adaptiveDecay: 0.9,
    logitBias: [],
    textBias: [],
    bannedTexts: [],
    grammar: null,
    seed: null,
  };
}

export function defaultStopParams(): StopParams {
  return { maxTokens: 256, stopStrings: [], repetitionWindow: null, timeLimitMs: null, ignoreEos: false };
}

export function defaultGenerateParams(prompt: PromptInput): GenerateParams {
  return {
    prompt,
    sampling: defaultSamplingParams(),
    stop: defaultStopParams(),
    useKvCache: true,
    topCandidates: 0,
  };
}
