import { beforeEach, expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import type { SamplingSettings } from './sampling-settings.ts';
import { StageEdits } from './stage-edits.svelte.ts';

/** Settings at their defaults, at which XTC is off. */
function defaultSettings(owner: string) {
  const base = defaultSamplingParams();
  const settings = {
    owner,
    base,
    sampling: base,
    setSampling(patch: Partial<SamplingParams>): void {
      settings.sampling = { ...settings.sampling, ...patch };
    },
    reset: () => undefined,
    isRecommended: () => false,
  };
  return settings;
}

let settings: SamplingSettings;
let edits: StageEdits;
beforeEach(() => {
  settings = defaultSettings('a model');
  edits = new StageEdits(() => settings);
});

it('keeps a stage on while its value is edited, also at one without an effect', () => {
  expect(edits.isOn('xtc')).toBe(false);
  edits.change('xtc', { xtcProbability: 0.3 });
  edits.change('xtc', { xtcProbability: 0 });
  expect(edits.isOn('xtc')).toBe(true);
  // Settings of other stages have nothing to do with it.
  settings.setSampling({ topK: 3 });
  expect(edits.isOn('xtc')).toBe(true);
});

it('shows a stage as off that a preset, a reset or an undo has turned off', () => {
  edits.change('xtc', { xtcProbability: 0.5 });
  expect(edits.isOn('xtc')).toBe(true);
  settings.setSampling({ xtcProbability: 0 });
  expect(edits.isOn('xtc')).toBe(false);
});

it('turns a stage on with the values that it had', () => {
  edits.toggle('xtc', true);
  expect(settings.sampling.xtcProbability).toBe(0.5);
  edits.change('xtc', { xtcProbability: 0.2 });
  edits.toggle('xtc', false);
  expect(settings.sampling.xtcProbability).toBe(0);
  expect(edits.isOn('xtc')).toBe(false);
  edits.toggle('xtc', true);
  expect(settings.sampling.xtcProbability).toBe(0.2);
});

it('tells the settings of chats and models apart', () => {
  edits.change('xtc', { xtcProbability: 0.2 });
  edits.toggle('xtc', false);
  edits.change('xtc', { xtcProbability: 0 });
  const first = settings;
  settings = defaultSettings('a chat');
  expect(edits.isOn('xtc')).toBe(false);
  edits.toggle('xtc', true);
  expect(settings.sampling.xtcProbability).toBe(0.5);
  settings = first;
  expect(edits.isOn('xtc')).toBe(true);
});
