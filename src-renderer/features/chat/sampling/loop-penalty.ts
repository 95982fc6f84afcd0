import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';

/** DRY as its authors recommend it: the longer a repeat, the less likely its next token. */
const DRY = { dryMultiplier: 0.8, dryBase: 1.75, dryAllowedLength: 2 };

/** Settings for a reply that leaves a loop: at least that penalty, over all of the text and across lines. Mirostat has no stages. */
export function withLoopPenalty(sampling: SamplingParams): SamplingParams {
  const { samplers, dryMultiplier } = sampling;
  return {
    ...sampling,
    ...DRY,
    dryMultiplier: Math.max(dryMultiplier, DRY.dryMultiplier),
    dryPenaltyLastN: -1,
    drySequenceBreakers: [],
    mirostat: 0,
    samplers: samplers.includes('dry') ? samplers : ['dry', ...samplers],
  };
}
