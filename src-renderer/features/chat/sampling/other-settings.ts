import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { SAMPLING_SETTINGS } from '../../../../src-main/engine/settings/sampling.ts';
import { STAGES } from './stages.ts';

/** What has an effect besides temperature and top-p, while only these are shown: labels. */
export function otherSettings(sampling: SamplingParams): string[] {
  const { mirostat, adaptiveTarget, minKeep, seed, grammar, bannedTexts, textBias, logitBias } = sampling;
  const stages = sampling.samplers.filter((name) => name !== 'temperature' && name !== 'top_p');
  const ofChain = [
    ...stages.filter((name) => STAGES[name].isOn(sampling)).map((name) => STAGES[name].label),
    ...(adaptiveTarget >= 0 ? ['Adaptive-p'] : []),
    // Every stage leaves one anyway.
    ...(minKeep > 1 ? [SAMPLING_SETTINGS.minKeep.label] : []),
  ];
  const labels = [
    ...(mirostat === 0 ? ofChain : ['Mirostat']),
    ...(seed === null ? [] : [SAMPLING_SETTINGS.seed.label]),
    ...(grammar === null ? [] : [SAMPLING_SETTINGS.grammar.label]),
    ...(bannedTexts.length === 0 ? [] : [SAMPLING_SETTINGS.bannedTexts.label]),
    ...(textBias.length + logitBias.length === 0 ? [] : ['Biases']),
  ];
  return [...new Set(labels)];
}
