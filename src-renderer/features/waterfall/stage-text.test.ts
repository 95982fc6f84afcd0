import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../src-main/engine/api/defaults.ts';
import { DEFAULT_SAMPLER_ORDER } from '../../../src-main/engine/settings/sampling.ts';
import type { SamplingParams, StageFindings } from '../../../src-main/engine/api/types.ts';
import { isOn, stageText } from './stage-text.ts';
import { stageReport } from './test-support/explained.ts';

function textsOf(stage: string, change: Partial<SamplingParams>, findings?: StageFindings): [string, string] {
  const sampling = { ...defaultSamplingParams(), ...change };
  const report = stageReport(stage, findings === undefined ? {} : { findings });
  const { note, reason } = stageText(stage);
  return [note(sampling, report), reason(sampling, report)].map((text) => text.replaceAll('\u00a0', ' ')) as [
    string,
    string,
  ];
}

describe('the texts of a stage', () => {
  it.each<[string, Partial<SamplingParams>, string, string, StageFindings?]>([
    ['top_k', { topK: 40 }, 'keeps the 40 best', 'not in top 40'],
    ['top_k', { topK: 1 }, 'keeps the best', 'not the best'],
    ['top_p', { topP: 0.9 }, 'up to 90 % in total', 'beyond 90 %'],
    ['top_p', { topP: 0.955 }, 'up to 96 % in total', 'beyond 96 %'],
    ['min_p', { minP: 0.05 }, 'at least 5 % of the best', 'below 5 % of the best'],
    ['top_n_sigma', { topNSigma: 1.5 }, 'within 1.5 σ of the best', 'beyond 1.5 σ'],
    ['typical', { typicalP: 0.7 }, 'most typical 70 %', 'not typical'],
    ['temperature', { temperature: 0.7 }, '0.7 sharpens', 'not the best'],
    ['temperature', { temperature: 1.5 }, '1.5 flattens', 'not the best'],
    ['temperature', { temperature: 0 }, 'at 0, the best wins', 'not the best'],
    ['temperature', { dynatempRange: 0.5 }, '0.63 here, sharpens', 'not the best', { temperature: 0.6312 }],
    ['xtc', { xtcProbability: 0.5 }, 'applied: 0.31 ≤ 0.50', 'above 10 %', { random: 0.31 }],
    ['xtc', { xtcProbability: 0.5 }, 'not applied: 0.73 > 0.50', 'above 10 %', { random: 0.73 }],
    ['xtc', { xtcProbability: 0.5 }, 'needs two candidates', 'above 10 %'],
    ['mirostat', { mirostat: 2 }, 'up to 5.3 bits', 'above 5.3 bits', { maxSurprisal: 5.31 }],
    ['mirostat', { mirostat: 1 }, 'up to 5.3 bits', 'beyond its estimate', { maxSurprisal: 5.31 }],
    ['adaptive_p', { adaptiveTarget: 0.3 }, 'favours 30 %', ''],
    ['grammar', {}, 'what the format allows', 'not allowed by the format'],
  ])('%s with %o', (stage, change, note, reason, findings) => {
    expect(textsOf(stage, change, findings)).toEqual([note, reason]);
  });

  it('exist for every stage, also for one that this version does not know', () => {
    const others = ['mask', 'continue', 'grammar', 'banned_texts', 'text_bias', 'logit_bias', 'mirostat', 'adaptive_p'];
    for (const stage of [...DEFAULT_SAMPLER_ORDER, ...others]) {
      expect(stageText(stage).label).not.toBe(stage);
      expect(textsOf(stage, {})[0]).not.toBe('');
    }
    expect(stageText('later')).toMatchObject({ label: 'later' });
  });
});

it('a stage takes part if its settings have an effect', () => {
  const on = (change: Partial<SamplingParams>) => {
    const sampling = { ...defaultSamplingParams(), ...change };
    return [...DEFAULT_SAMPLER_ORDER, 'mirostat', 'mask'].filter((stage) => isOn(stage, sampling));
  };
  expect(on({})).toEqual(['top_k', 'top_p', 'min_p', 'temperature', 'mirostat']);
  expect(on({ topK: 0, topP: 1, minP: 0, temperature: 1, xtcProbability: 0.5 })).toEqual(['xtc', 'mirostat']);
  expect(on({ mirostat: 2 })).toEqual(['temperature', 'mirostat']);
});
