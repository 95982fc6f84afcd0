import { expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import { withLoopPenalty } from './loop-penalty.ts';

it('adds DRY over the whole text, and changes nothing else', () => {
  const sampling = defaultSamplingParams();
  expect(withLoopPenalty(sampling)).toEqual({
    ...sampling,
    ...{ dryMultiplier: 0.8, dryBase: 1.75, dryAllowedLength: 2, dryPenaltyLastN: -1, drySequenceBreakers: [] },
  });
});

it('turns off Mirostat, which would skip the stage', () => {
  const sampling = { ...defaultSamplingParams(), mirostat: 2 as const };
  expect(withLoopPenalty(sampling)).toMatchObject({ mirostat: 0, dryMultiplier: 0.8 });
});

it('keeps a stronger penalty, and lists the stage', () => {
  const sampling = { ...defaultSamplingParams(), dryMultiplier: 2, samplers: ['top_k' as const] };
  expect(withLoopPenalty(sampling)).toMatchObject({ dryMultiplier: 2, samplers: ['dry', 'top_k'] });
});
