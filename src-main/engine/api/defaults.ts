/** The settings that hold until a person changes them. Plain data: the protocol, the interface and the CLI use it too. */
import { STOP_SETTINGS, TOP_CANDIDATES, type StopParams } from '../settings/generation.ts';
import { SAMPLING_SETTINGS, type SamplingParams } from '../settings/sampling.ts';
import { defaultsOf } from '../settings/setting.ts';
import type { GenerateParams, PromptInput } from './types.ts';

/** Replies that can be generated as one batch. */
export const MAX_LANES = 8;

/** Default context in tokens: K and V of larger ones would take gigabytes with some models. */
const DEFAULT_CONTEXT_SIZE = 4096;
/** Share of the window that stays free for the reply when the beginning of a prompt is left out. */
const REPLY_SHARE = 1 / 8;

/** @param trained training context in tokens */
export function defaultContext(trained: number): number {
  return Math.min(trained, DEFAULT_CONTEXT_SIZE);
}

/**
 * Tokens of the window that stay free for the reply when the beginning of a prompt is left out.
 * @param maxTokens token limit of the reply
 */
export function replyReserve(maxTokens: number, contextSize: number): number {
  return Math.min(maxTokens, Math.floor(contextSize * REPLY_SHARE));
}

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
