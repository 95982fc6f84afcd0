import { expect, it } from 'vitest';
import type { AppServices } from '../../../../src-main/protocol/app/app-services.ts';
import { changeItems } from '../../../../src-main/protocol/app/presets/change-items.ts';
import type { SavedItem, SavedItemChange, SavedPreset } from '../../../../src-main/protocol/app/presets/saved-items.ts';
import { newId } from '../../../lib/new-id.ts';
import { FakeServices } from '../test-support/fakes.ts';
import { PresetsState } from './presets.svelte.ts';

const preset = (id: string): SavedPreset => ({ kind: 'preset', id, name: id, sampling: {}, stop: {} });

/** Services that store these items. */
function storing(items: SavedItem[]): AppServices {
  return {
    invoke: async (method: string, change: SavedItemChange) => {
      if (method === 'savedItems') return items;
      const changed = changeItems(items, change, newId);
      ({ items } = changed);
      return changed;
    },
    onEvent: () => () => undefined,
  } as unknown as AppServices;
}

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

it('adds an item once, and reports it once, if the file has it twice', async () => {
  const state = new PresetsState(storing([]));
  const twice = [newId(), newId()].map((id) => ({ ...preset('stories'), id }));
  await state.take(new File([state.fileText(twice)], 'presets.json'));
  expect(state.imported).toMatchObject({ added: [{ name: 'stories' }], problem: null });
  expect(state.imported?.added).toHaveLength(1);
  expect(state.presets).toHaveLength(1);
});

it('does not report the problem of an earlier change with an import', async () => {
  const stored = { ...preset('stories'), id: newId() };
  const state = new PresetsState(storing([stored]));
  await state.load();
  expect(await state.remove({ ...stored, sampling: { topK: 3 } })).toBeNull();
  expect(state.error).toContain('another window changed it');
  await state.take(new File([state.fileText(state.presets)], 'presets.json'));
  expect(state.imported).toMatchObject({ added: [{ name: 'stories' }], problem: null });
  expect(state.error).toBeNull();
});
