import { describe, expect, it } from 'vitest';
import { isLoaded, runOrder, waitingTexts, type LaneModel } from './lane-models.ts';
import { newLaneSettings } from './lane-settings.ts';

const lane = (id: string, executor: 'reference' | null = null) => ({ ...newLaneSettings({ id, name: id }), executor });
const loaded = { id: 'b', executor: 'wasm' } as const;

describe('runOrder', () => {
  it('starts with the loaded model, then by first lane', () => {
    expect(runOrder([lane('a'), lane('b'), lane('c'), lane('a'), lane('b')], loaded)).toEqual([[1, 4], [0, 3], [2]]);
    expect(runOrder([lane('b'), lane('b', 'reference')], loaded)).toEqual([[0], [1]]);
  });
});

describe('isLoaded', () => {
  it('tells a choice by the engine from one by a person', () => {
    const automatic = { ...loaded, choice: { executor: 'wasm', reason: 'Measured.' } } as const;
    const model = (executor: LaneModel['executor']) => ({ modelId: 'b', executor });
    expect([isLoaded(model('auto'), automatic), isLoaded(model('auto'), loaded)]).toEqual([true, false]);
    expect([isLoaded(model('wasm'), automatic), isLoaded(model(null), automatic)]).toEqual([true, true]);
    expect(isLoaded(model('reference'), automatic)).toBe(false);
  });
});

describe('waitingTexts', () => {
  it('says why a lane runs after others', () => {
    expect(waitingTexts([lane('b'), lane('b'), lane('b'), lane('a')], loaded)).toEqual([
      null,
      null,
      null,
      'Runs after A to C, because it needs another model.',
    ]);
    expect(waitingTexts([lane('b'), lane('b', 'reference')], loaded)[1]).toBe(
      'Runs after A, because it needs another executor.',
    );
  });
  it('says whether both models stay in memory', () => {
    const texts = (fits: boolean | null) => waitingTexts([lane('b'), lane('a')], loaded, () => fits)[1];
    expect(texts(true)).toBe('Runs after A, because it needs another model. Both fit in memory.');
    expect(texts(false)).toBe('Runs after A, because it needs another model. It replaces the loaded model for now.');
    expect(texts(null)).toBe('Runs after A, because it needs another model.');
  });
});
