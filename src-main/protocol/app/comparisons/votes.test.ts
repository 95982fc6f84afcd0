import { expect, test } from 'vitest';
import { defaultSamplingParams } from '../../../engine/api/defaults.ts';
import type { LaneSettings } from './comparison.ts';
import { AT, laneSettings } from './test-support/comparisons.ts';
import { blindVote, settingsKey, votesPerSetting } from './votes.ts';

const temperature = (value: number, settings: Partial<LaneSettings> = {}) =>
  laneSettings(`Temperature ${value}`, {
    sampling: { ...defaultSamplingParams(), temperature: value, seed: 7 },
    ...settings,
  });
const lanes = (...settings: LaneSettings[]) => settings.map((one) => ({ settings: one, replies: [] }));

test('a key depends on model and settings, not on label, seed, samples or the order of keys', () => {
  const key = settingsKey(temperature(1.5));
  expect(key).toMatch(/^[0-9a-f]{16}$/);
  expect(settingsKey(temperature(1.5, { label: 'Hot', samples: 4 }))).toBe(key);
  const { seed: _, ...rest } = temperature(1.5).sampling;
  expect(settingsKey(temperature(1.5, { sampling: { seed: 8, ...rest } }))).toBe(key);
  const others: LaneSettings[] = [
    temperature(1.4),
    temperature(1.5, { modelId: 'other' }),
    temperature(1.5, { systemPrompt: 'Be short.' }),
    temperature(1.5, { template: { kind: 'plain' } }),
    temperature(1.5, { enableThinking: false }),
    temperature(1.5, { executor: 'reference' }),
    temperature(1.5, { stop: { ...temperature(1.5).stop, maxTokens: 3 } }),
  ];
  expect(new Set([key, ...others.map(settingsKey)]).size).toBe(others.length + 1);
});

test('votes are counted per setting over all runs', () => {
  const [cold, hot] = [temperature(0.2), temperature(1.5)];
  const first = { votes: [blindVote(lanes(cold, hot), 1, AT), blindVote(lanes(cold, hot), null, AT)] };
  const renamed = temperature(1.5, { label: 'Wild' });
  const second = { votes: [blindVote(lanes(temperature(0.7), renamed), 1, '2026-01-03T00:00:00.000Z')] };
  expect(votesPerSetting([second, first])).toMatchObject([
    { key: settingsKey(hot), label: 'Wild', modelName: 'TinyTransformer', shown: 3, won: 2, tied: 1 },
    { label: 'Temperature 0.7', shown: 1, won: 0, tied: 0 },
    { label: 'Temperature 0.2', shown: 2, won: 0, tied: 1 },
  ]);
  expect(votesPerSetting([])).toEqual([]);
});

test('a vote among seeds of one setting counts each of them as shown', () => {
  const seeds = lanes(temperature(1.5), temperature(1.5));
  expect(votesPerSetting([{ votes: [blindVote(seeds, 0, AT)] }])).toMatchObject([{ shown: 2, won: 1, tied: 0 }]);
});
