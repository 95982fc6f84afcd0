import { describe, expect, it } from 'vitest';
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { allPresets, greedy, isGreedy, PRESETS, presetOf, presetOfSettings, presetSampling } from './presets.ts';

const defaults = defaultSamplingParams();
const stop = defaultStopParams();

describe('presets', () => {
  it('are known again, whatever the seed, the biases and what is banned', () => {
    const own = { ...defaults, topK: 3, seed: 5, bannedTexts: ['x'], textBias: [['a', 2]] as [string, number][] };
    for (const preset of PRESETS) {
      const sampling = presetSampling(preset, own, defaults);
      expect(presetOf({ sampling, stop, base: defaults })).toBe(preset);
      expect(sampling).toMatchObject({ seed: 5, bannedTexts: ['x'], textBias: [['a', 2]] });
    }
    expect(presetOf({ sampling: own, stop, base: defaults })).toBeNull();
  });

  it('stand on what the model recommends', () => {
    const base = { ...defaults, temperature: 0.6, topK: 20, xtcProbability: 0.5 };
    expect(presetOf({ sampling: base, stop, base })?.value).toBe('balanced');
    expect(presetOf({ sampling: base, stop, base: defaults })).toBeNull();
    const deterministic = PRESETS.find(({ value }) => value === 'deterministic')!;
    const sampling = presetSampling(deterministic, base, base);
    expect(sampling).toMatchObject({ temperature: 0, topK: 20 });
    expect(isGreedy(sampling)).toBe(true);
  });
});

describe('own presets', () => {
  const sampling = { ...defaults, temperature: 0.55, seed: 9, bannedTexts: ['x'] };
  const content = presetOfSettings({ sampling }, { maxTokens: 99 });
  const presets = allPresets([{ kind: 'preset', id: 'mine', name: 'Mine', ...content }]);

  it('have all settings but the content of the reply, so that they are the same on another model', () => {
    expect(content.sampling).toMatchObject({ temperature: 0.55, topK: defaults.topK });
    expect(Object.keys(content.sampling)).not.toContain('seed');
    const base = { ...defaults, topK: 7 };
    expect(presetSampling(presets.at(-1)!, { ...base, seed: 1 }, base)).toMatchObject({ topK: 40, seed: 1 });
  });

  it('are known again if their stop settings are the same, too', () => {
    const target = { sampling, base: defaults, stop: { ...stop, maxTokens: 99, timeLimitMs: 5 } };
    expect(presetOf(target, presets)?.value).toBe('mine');
    expect(presetOf({ ...target, stop }, presets)).toBeNull();
  });

  it('may name any setting, for example of an imported file', () => {
    const [imported] = allPresets([{ kind: 'preset', id: 'i', name: 'I', sampling: { seed: 4 }, stop: {} }]).slice(-1);
    expect(presetSampling(imported!, sampling, defaults)).toMatchObject({ seed: 4, bannedTexts: ['x'] });
  });

  it('still name what they named before, when they are updated', () => {
    const grammar = { kind: 'gbnf', source: 'root ::= "a"' } as const;
    const { sampling: updated } = presetOfSettings({ sampling: { ...sampling, grammar } }, {}, { grammar, seed: 4 });
    expect(updated).toMatchObject({ temperature: 0.55, grammar, seed: 9 });
    expect(Object.keys(updated)).not.toContain('bannedTexts');
  });
});

describe('isGreedy', () => {
  it.each<[string, Partial<SamplingParams>, boolean]>([
    ['a temperature of 0', { temperature: 0 }, true],
    ['a temperature above 0', {}, false],
    ['no temperature in the chain', { temperature: 0, samplers: [] }, false],
    ['a temperature that moves', { temperature: 0, dynatempRange: 0.5 }, false],
    ['mirostat', { mirostat: 2 }, false],
    ['mirostat at 0', { mirostat: 2, temperature: 0, samplers: [], dynatempRange: 0.5 }, true],
    ['mirostat at 0, which replaces XTC', { mirostat: 2, temperature: 0, xtcProbability: 0.5 }, true],
    ['XTC before a temperature of 0', { temperature: 0, xtcProbability: 0.5 }, false],
    ['XTC that is not in the chain', { temperature: 0, xtcProbability: 0.5, samplers: ['temperature'] }, true],
    ['XTC after a temperature of 0', { temperature: 0, xtcProbability: 0.5, samplers: ['temperature', 'xtc'] }, true],
    ['typical-p before a temperature of 0', { temperature: 0, typicalP: 0.5 }, false],
  ])('%s', (_, patch, expected) => {
    expect(isGreedy({ ...defaults, ...patch })).toBe(expected);
  });

  it('is what the switch makes it, from any settings', () => {
    const wild = { ...defaults, samplers: [], dynatempRange: 1, mirostat: 1 as const };
    expect(isGreedy({ ...wild, ...greedy(wild) })).toBe(true);
    const random = { ...defaults, xtcProbability: 0.5, typicalP: 0.9 };
    expect(isGreedy({ ...random, ...greedy(random) })).toBe(true);
  });
});
