import { expect, it } from 'vitest';
import { savedLanes } from './lane-sets.ts';
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
