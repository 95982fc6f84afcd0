/** The settings that hold until a person changes them. Plain data: the protocol, the interface and the CLI use it too. */
import { STOP_SETTINGS, TOP_CANDIDATES, type StopParams } from '../settings/generation.ts';
import { SAMPLING_SETTINGS, type SamplingParams } from '../settings/sampling.ts';
import { defaultsOf } from '../settings/setting.ts';
import type { GenerateParams, PromptInput } from './types.ts';

/** Replies that can be generated as one batch. */
export const MAX_LANES = 8;

export function defaultSamplingParams(): SamplingParams {
  return defaultsOf(SAMPLING_SETTINGS);
}

export function defaultStopParams(): StopParams {
  return defaultsOf(STOP_SETTINGS);
}

export function defaultGenerateParams(prompt: PromptInput): GenerateParams {
  return {
    prompt,
    sampling: defaultSamplingParams(),
    stop: defaultStopParams(),
    useKvCache: true,
    topCandidates: TOP_CANDIDATES.default,
  };
}
