import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import { SAMPLING_SETTINGS } from '../../../../src-main/engine/settings/sampling.ts';
import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { USUAL_ORDER } from './chain.ts';
import { ADAPTIVE_CONTROLS, isIdle, keysOf, MIROSTAT_CONTROLS, STAGES } from './stages.ts';

const defaults = defaultSamplingParams();

describe('stages', () => {
  it.each(USUAL_ORDER)('%s can be turned off and on again', (name) => {
    const { off, suggested, isOn, explain } = STAGES[name];
    expect(isOn({ ...defaults, ...off })).toBe(false);
    expect(isOn({ ...defaults, ...off, ...suggested })).toBe(true);
    expect(explain({ ...defaults, ...off })).not.toBe(explain({ ...defaults, ...off, ...suggested }));
  });

  it('are idle where the most likely token wins with and without them', () => {
    const idle = (patch: Partial<SamplingParams>) => {
      const sampling = { ...defaults, ...patch };
      return sampling.samplers.filter((name, index) => STAGES[name].isOn(sampling) && isIdle(sampling, index));
    };
    expect(idle({})).toEqual([]);
    expect(idle({ temperature: 0 })).toEqual(['top_k', 'top_p', 'min_p']);
    // A penalty behind top-k chooses among what that leaves.
    const samplers = ['top_k', 'penalties', 'min_p', 'temperature'] as const;
    expect(idle({ temperature: 0, repeatPenalty: 1.2, samplers: [...samplers] })).toEqual(['min_p']);
    expect(idle({ temperature: 0, xtcProbability: 0.5 })).toEqual([]);
    // What XTC leaves is drawn from as without it.
    expect(idle({ temperature: 0, xtcProbability: 0.5, samplers: ['xtc', 'min_p', 'temperature'] })).toEqual(['min_p']);
  });

  it('are off by default where llama.cpp has them off', () => {
    const on = USUAL_ORDER.filter((name) => STAGES[name].isOn(defaults));
    expect(on).toEqual(['top_k', 'top_p', 'min_p', 'temperature']);
  });

  it('offer every number that the chain takes, within bounds that hold its default', () => {
    const shown = new Set<string>([
      ...USUAL_ORDER.flatMap((name) => keysOf(STAGES[name])),
      ...[...MIROSTAT_CONTROLS, ...ADAPTIVE_CONTROLS].map(({ key }) => key),
    ]);
    const elsewhere = ['samplers', 'mirostat', 'minKeep', 'seed', 'grammar', 'logitBias', 'textBias', 'bannedTexts'];
    expect(Object.keys(defaults).filter((key) => !shown.has(key))).toEqual(expect.arrayContaining(elsewhere));
    expect(shown.size + elsewhere.length).toBe(Object.keys(defaults).length);
    for (const { main, more, off } of Object.values(STAGES)) {
      for (const { key, min, max, maxTyped } of [main, ...more]) {
        expect(max).toBeLessThanOrEqual(maxTyped);
        // Below the smallest value lies only what means off.
        if (defaults[key] < min) expect(off).toMatchObject({ [key]: defaults[key] });
      }
    }
  });

  it('offer only what the engine takes, under the names of the settings', () => {
    const controls = Object.values(STAGES).flatMap(({ main, more }) => [main, ...more]);
    for (const { key, label, ...range } of [...controls, ...MIROSTAT_CONTROLS, ...ADAPTIVE_CONTROLS]) {
      const row = SAMPLING_SETTINGS[key];
      expect(label.startsWith(row.label)).toBe(true);
      expect(range.min).toBeGreaterThanOrEqual(row.min);
      expect(range.maxTyped).toBe(row.max);
    }
  });

  it.each<[keyof typeof STAGES, Partial<SamplingParams>, string]>([
    ['top_k', { topK: 40 }, 'Keeps the 40 most likely tokens.'],
    ['top_k', { topK: 1 }, 'Keeps only the most likely token.'],
    ['top_p', { topP: 0.8 }, 'Keeps the most likely tokens, up to a total of 80\u00a0%.'],
    ['top_p', { topP: 0.999 }, 'Keeps the most likely tokens, up to a total of 99.9\u00a0%.'],
    ['min_p', { minP: 0.05 }, 'Cuts tokens less than 5\u00a0% as likely as the best one.'],
    ['temperature', { temperature: 0 }, 'At 0, the most likely token always wins.'],
    ['temperature', { temperature: 0.8, dynatempRange: 1 }, 'From 0 when the model is sure to 1.8 when it is not.'],
    ['penalties', { repeatPenalty: 1.1 }, 'Makes tokens from the last 64 tokens slightly less likely.'],
    ['penalties', { repeatPenalty: 1.1, penaltyLastN: 1 }, 'Makes tokens from the last token slightly less likely.'],
    [
      'penalties',
      { presencePenalty: -1, penaltyLastN: -1 },
      'Makes tokens from the whole context more or less likely.',
    ],
  ])('%s says what it does with %j', (name, patch, expected) => {
    expect(STAGES[name].explain({ ...defaults, ...patch })).toBe(expected);
  });
});
