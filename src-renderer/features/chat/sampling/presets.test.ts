import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import { greedy, isGreedy, PRESETS, presetOf, presetSampling } from './presets.ts';

const defaults = defaultSamplingParams();

describe('presets', () => {
  it('are known again, whatever the seed, the biases and what is banned', () => {
    const own = { ...defaults, topK: 3, seed: 5, bannedTexts: ['x'], textBias: [['a', 2]] as [string, number][] };
    for (const preset of PRESETS) {
      const sampling = presetSampling(preset, own, defaults);
      expect(presetOf(sampling, defaults)).toBe(preset);
      expect(sampling).toMatchObject({ seed: 5, bannedTexts: ['x'], textBias: [['a', 2]] });
    }
    expect(presetOf(own, defaults)).toBeNull();
  });

  it('stand on what the model recommends', () => {
    const base = { ...defaults, temperature: 0.6, topK: 20 };
    expect(presetOf(base, base)?.value).toBe('balanced');
    expect(presetOf(base, defaults)).toBeNull();
    expect(presetSampling(PRESETS[1]!, base, base)).toMatchObject({ temperature: 0, topK: 20 });
  });
});

describe('isGreedy', () => {
  it.each([
    ['a temperature of 0', { temperature: 0 }, true],
    ['a temperature above 0', {}, false],
    ['no temperature in the chain', { temperature: 0, samplers: [] }, false],
    ['a temperature that moves', { temperature: 0, dynatempRange: 0.5 }, false],
    ['mirostat', { mirostat: 2 as const }, false],
    ['mirostat at 0', { mirostat: 2 as const, temperature: 0, samplers: [], dynatempRange: 0.5 }, true],
  ])('%s', (_, patch, expected) => {
    expect(isGreedy({ ...defaults, ...patch })).toBe(expected);
  });

  it('is what the switch makes it, from any settings', () => {
    const wild = { ...defaults, samplers: [], dynatempRange: 1, mirostat: 1 as const };
    expect(isGreedy({ ...wild, ...greedy(wild) })).toBe(true);
  });
});
