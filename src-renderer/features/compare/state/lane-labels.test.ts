import { describe, expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import { MAX_LABEL, type LaneSettings } from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { laneLabels, letterRange } from './lane-labels.ts';
import { READY_MADE_SETS, type SetContext } from './lane-sets.ts';
import { newLaneSettings, samplingSummary } from './lane-settings.ts';

const MODEL = { id: 'm', name: 'Model' };
const lane = (settings: Partial<LaneSettings> = {}, sampling = {}) => ({
  ...newLaneSettings(MODEL, sampling),
  ...settings,
});
const CONTEXT: SetContext = {
  model: MODEL,
  other: { id: 'n', name: 'Other' },
  sampling: defaultSamplingParams(),
  common: {},
};
const labelsOf = (value: string) => laneLabels(READY_MADE_SETS.find((set) => set.value === value)?.make(CONTEXT) ?? []);

describe('laneLabels', () => {
  it('names the ready-made sets by what tells their lanes apart', () => {
    expect(labelsOf('guide')).toEqual(['Greedy', 'Top-k 40', 'Temperature 0.7', 'Temperature 1.5']);
    expect(labelsOf('temperatures')).toEqual([
      'Greedy',
      'Temperature 0.3',
      'Temperature 0.6',
      'Temperature 0.9',
      'Temperature 1.2',
      'Temperature 1.5',
    ]);
    expect(labelsOf('seeds')).toEqual(['Seed 42', 'Seed 43', 'Seed 44', 'Seed 45']);
    expect(labelsOf('models')).toEqual(['Model', 'Other']);
    expect(labelsOf('stages')).toHaveLength(8);
    expect(labelsOf('stages').slice(0, 3)).toEqual(['Plain sampling', 'Penalties 1.1', 'Top-n-sigma 1']);
  });

  it('leaves out what all lanes have in common', () => {
    expect(laneLabels([lane({}, { topK: 40, temperature: 0.8 }), lane({}, { topK: 40, temperature: 1.2 })])).toEqual([
      'Temperature 0.8',
      'Temperature 1.2',
    ]);
    // But a lane with nothing else is named by it.
    expect(laneLabels([lane({}, { temperature: 1.5 }), lane({}, { temperature: 1.5, minP: 0.05 })])).toEqual([
      'Temperature 1.5',
      'Min-p 0.05',
    ]);
  });

  it('names other settings, and keeps names that a person gave', () => {
    expect(laneLabels([lane(), lane({ systemPrompt: 'Answer like a pirate would do.' })])).toEqual([
      'No system prompt',
      '“Answer like a pirate …”',
    ]);
    const systemPrompt = '请你简短地回答我的问题，'.repeat(20);
    expect(laneLabels([lane(), lane({ systemPrompt })])[1]).toBe(`“${systemPrompt.slice(0, 40)} …”`);
    expect(laneLabels([lane({ label: 'Mine' }), lane({ executor: 'reference' })])).toEqual([
      'Mine',
      'reference executor',
    ]);
    expect(laneLabels([lane({}, { topK: 5 }), lane({}, { topK: 5 })])).toEqual(['Top-k 5', 'Top-k 5']);
  });
});

it('makes no label that is too long to be stored', () => {
  const labels = laneLabels([lane({ modelName: 'a'.repeat(150) }), lane({ modelName: 'b'.repeat(1000) }, { seed: 1 })]);
  expect(labels[0]).toBe(`${'a'.repeat(150)}, seed 42`);
  expect(labels[1]).toBe('b'.repeat(MAX_LABEL));
});

describe('letterRange', () => {
  it('is a range for three or more in a row', () => {
    expect([[0], [0, 1], [0, 1, 2], [0, 2, 3]].map(letterRange)).toEqual(['A', 'A and B', 'A to C', 'A, C and D']);
  });
});

describe('samplingSummary', () => {
  it('says what a chain does', () => {
    const summaries = (READY_MADE_SETS[0].make(CONTEXT) ?? []).map(({ sampling }) => samplingSummary(sampling));
    expect(summaries).toEqual([
      'always the top token',
      'temperature 1 · top-k 40',
      'temperature 0.7 · all tokens',
      'temperature 1.5 · all tokens',
    ]);
    expect(samplingSummary(lane({}, { mirostat: 2, mirostatTau: 5 }).sampling)).toBe('mirostat 2 · target 5');
  });
});
