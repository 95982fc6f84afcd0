import { expect, it } from 'vitest';
import { SettingsState } from '../../chat/state/settings.svelte.ts';
import { FakeServices } from '../../chat/test-support/fakes.ts';
import { deleteSet, savedLanes } from './lane-sets.ts';
import { newLaneSettings } from './lane-settings.ts';

const model = (id: string) => ({ id, name: id.toUpperCase() });

it('gives lanes of a saved set the loaded model if theirs is gone', () => {
  const set = { id: 's', name: 'Mine', lanes: ['a', 'gone', 'b'].map((id) => newLaneSettings(model(id))) };
  const ids = (loaded: string | null) => {
    const known = [model('a'), model('b')];
    return savedLanes(set, known, loaded === null ? null : model(loaded)).map(({ modelId, modelName }) => [
      modelId,
      modelName,
    ]);
  };
  expect(ids('b')).toEqual([
    ['a', 'A'],
    ['b', 'B'],
    ['b', 'B'],
  ]);
  expect(ids(null)[1]).toEqual(['gone', 'GONE']);
});

it('brings a deleted set back in its place, and keeps what was saved meanwhile', async () => {
  const settings = await SettingsState.load(new FakeServices());
  const named = (name: string) => ({ id: name, name, lanes: [newLaneSettings(model('a'))] });
  const names = () => settings.current.laneSets.map(({ name }) => name);
  settings.update({ laneSets: ['first', 'second', 'third'].map(named) });
  const undo = deleteSet(settings, settings.current.laneSets[1]);
  expect(names()).toEqual(['first', 'third']);
  settings.update({ laneSets: [...settings.current.laneSets, named('later')] });
  undo();
  expect(names()).toEqual(['first', 'second', 'third', 'later']);
});
