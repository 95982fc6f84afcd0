import { expect, it } from 'vitest';
import type { SavedPreset } from '../../../../src-main/protocol/app/presets/saved-items.ts';
import { FakeServices } from '../test-support/fakes.ts';
import { PresetsState } from './presets.svelte.ts';

const preset = (id: string): SavedPreset => ({ kind: 'preset', id, name: id, sampling: {}, stop: {} });

it('keeps which preset was chosen, for each model and chat', () => {
  const services = new FakeServices();
  const state = new PresetsState(services);
  services.emit({ type: 'savedItems', items: [preset('stories'), preset('facts')] });
  state.choose('model', 'stories');
  state.choose('chat', 'balanced');
  // The settings were changed since.
  expect(state.shown('model', null)?.id).toBe('stories');
  expect(state.shown('chat', null)).toBeNull();
  expect(state.shown('other', null)).toBeNull();
  // Settings that equal a preset are that preset's, whatever was chosen.
  expect(state.shown('model', 'facts')?.id).toBe('facts');
  expect(state.shown('model', 'balanced')).toBeNull();

  services.emit({ type: 'savedItems', items: [preset('facts')] });
  expect(state.shown('model', null)).toBeNull();
});
