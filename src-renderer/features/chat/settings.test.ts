import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultSamplingParams } from '../../../src-main/engine/defaults.ts';
import { EngineError } from '../../../src-main/engine/errors.ts';
import { isGreedy, isStageOn, PRESETS, presetOf, presetSampling, withStage } from './sampling-settings.ts';
import { SettingsState } from './settings.svelte.ts';
import { STAGES } from './stages.ts';
import { FakeServices } from './test-support/fakes.ts';

let services: FakeServices;
let settings: SettingsState;

beforeEach(async () => {
  services = new FakeServices();
  settings = await SettingsState.load(services);
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

const writes = () => services.calls.filter((call) => call === 'settingsSet').length;

describe('settings', () => {
  it('change at once and are written together a little later', async () => {
    settings.setSampling({ temperature: 1 });
    settings.setSampling({ topK: 5 });
    settings.setStop({ maxTokens: 9 });
    settings.setPanel({ tab: 'rate' });
    expect(settings.current.sampling).toMatchObject({ temperature: 1, topK: 5 });
    expect(writes()).toBe(0);
    await vi.advanceTimersByTimeAsync(300);
    expect(writes()).toBe(1);
    expect(services.settings.sampling).toMatchObject({ temperature: 1, topK: 5 });
    expect(services.settings.stop.maxTokens).toBe(9);
    expect(services.settings.panel).toEqual({ open: true, tab: 'rate' });
  });

  it('are plain data, so that they can be sent', () => {
    settings.setSampling({ temperature: 1 });
    expect(structuredClone(settings.current)).toEqual(settings.current);
  });

  it('take news from elsewhere, but not over what is being changed here', async () => {
    settings.update({ theme: 'dark' });
    services.emit({ type: 'settings', settings: { ...services.settings, theme: 'light', tokensView: true } });
    expect(settings.current).toMatchObject({ theme: 'dark', tokensView: true });
    const writing = settings.flush();
    services.emit({ type: 'settings', settings: { ...services.settings, theme: 'light' } });
    expect(settings.current.theme).toBe('dark');
    await writing;
    services.emit({ type: 'settings', settings: { ...services.settings, theme: 'contrast' } });
    expect(settings.current.theme).toBe('contrast');
  });

  it('go back when they are refused, stay when they can only not be stored', async () => {
    services.failure = new EngineError('BAD_REQUEST', 'No such theme.');
    settings.update({ theme: 'dark' });
    await settings.flush();
    expect(settings.current.theme).toBe('system');
    expect(settings.error).toBe('No such theme.');
    services.failure = new EngineError('READ_ONLY', 'Another instance is open.');
    settings.update({ theme: 'dark' });
    await settings.flush();
    expect(settings.current.theme).toBe('dark');
    services.failure = null;
    settings.update({ theme: 'light' });
    await settings.flush();
    expect(settings.error).toBeNull();
  });
});

describe('sampling settings', () => {
  const defaults = defaultSamplingParams();

  it('know their presets, whatever the seed', () => {
    expect(presetOf(defaults)?.value).toBe('balanced');
    for (const preset of PRESETS) {
      expect(presetOf(presetSampling(preset, { ...defaults, topK: 3, seed: 5 }))).toBe(preset);
    }
    expect(presetOf({ ...defaults, topK: 3 })).toBeNull();
    expect(isGreedy(presetSampling(PRESETS[1], defaults))).toBe(true);
    expect(isGreedy({ ...defaults, temperature: 0, samplers: [] })).toBe(false);
  });

  it('put a stage back at its usual place', () => {
    const without = withStage(defaults.samplers, 'top_p', false);
    expect(without).toEqual(defaults.samplers.filter((name) => name !== 'top_p'));
    expect(withStage(without, 'top_p', true)).toEqual(defaults.samplers);
    expect(withStage(defaults.samplers, 'top_p', true)).toEqual(defaults.samplers);
    expect(withStage([], 'temperature', true)).toEqual(['temperature']);
    expect(withStage(['temperature'], 'penalties', true)).toEqual(['penalties', 'temperature']);
  });

  it('are off where they do nothing', () => {
    expect(isStageOn(defaults, 'repeatPenalty', 'penalties')).toBe(false);
    expect(isStageOn({ ...defaults, repeatPenalty: 1.1 }, 'repeatPenalty', 'penalties')).toBe(true);
    expect(isStageOn(defaults, 'topK', 'top_k')).toBe(true);
    expect(isStageOn({ ...defaults, samplers: [] }, 'topK', 'top_k')).toBe(false);
  });

  it('say in a sentence what they do', () => {
    const say = (key: string, value: number) => STAGES.find((info) => info.key === key)?.explain(value, defaults);
    expect(say('topK', 40)).toBe('Only the 40 most likely tokens stay in.');
    expect(say('topK', 1)).toBe('Only the most likely token stays in.');
    expect(say('topP', 0.8)).toBe('Keeps the likeliest tokens until they add up to 80 %.');
    expect(say('topP', 1)).toContain('does nothing');
    expect(say('minP', 0.05)).toBe('Cuts tokens less than 5 % as likely as the best one.');
    expect(say('temperature', 0)).toContain('always wins');
    expect(say('repeatPenalty', 1.1)).toBe('Makes tokens of the last 64 tokens a little less likely.');
  });
});
