import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { EmittedEvent } from '../../protocol/app/app-services.ts';
import { MAX_SAVED_ITEMS, savedItemsFile, type SavedPreset } from '../../protocol/app/presets/saved-items.ts';
import { EngineError } from '../../engine/api/errors.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { SavedItemStore } from './saved-item-store.ts';

async function setUp(problem: string | null = null) {
  const dataFolder = await temporaryFolder();
  const events: EmittedEvent[] = [];
  const lock = {
    problem,
    assertHeld: async () => {
      if (problem !== null) throw new EngineError('READ_ONLY', problem);
    },
  };
  const open = () => new SavedItemStore({ dataFolder, lock, emit: (event) => void events.push(event) });
  return { dataFolder, path: join(dataFolder, 'presets.json'), events, open, store: open() };
}

const preset = (id: string, topK: number): SavedPreset => ({
  kind: 'preset',
  id,
  name: `Preset ${id}`,
  sampling: { topK },
  stop: {},
});

it('adds, replaces and deletes items, which another process reads', async () => {
  const { store, open, events } = await setUp();
  const [a, b] = [preset('a', 1), preset('b', 2)];
  await store.change({ was: null, now: a });
  expect(await store.change({ was: null, now: b })).toEqual({ items: [a, b], id: 'b' });
  const changed = { ...a, name: 'Renamed' };
  expect(await open().change({ was: a, now: changed })).toEqual({ items: [changed, b], id: 'a' });
  expect(await store.change({ was: b, now: null })).toEqual({ items: [changed], id: null });
  expect(await open().list()).toEqual([changed]);
  expect(events.at(-1)).toEqual({ type: 'savedItems', items: [changed] });
});

it('keeps what two pages save at the same time, and a conflicting change as a copy', async () => {
  const { store } = await setUp();
  const original = preset('a', 1);
  await store.change({ was: null, now: original });
  const [mine, theirs] = [preset('a', 5), preset('a', 6)];
  const [first, second] = await Promise.all([
    store.change({ was: original, now: mine }),
    store.change({ was: original, now: theirs }),
  ]);
  expect(first.items).toEqual([mine]);
  expect(second.items).toEqual([mine, { ...theirs, id: second.id, name: 'Preset a (copy)' }]);
  // A repeated write has no effect, and a deletion of something else is skipped.
  expect((await store.change({ was: original, now: mine })).items).toEqual(second.items);
  expect((await store.change({ was: original, now: null })).items).toEqual(second.items);
});

it('restores an item that was deleted meanwhile', async () => {
  const { store } = await setUp();
  const item = preset('a', 1);
  await store.change({ was: null, now: item });
  await store.change({ was: item, now: null });
  expect((await store.change({ was: item, now: preset('a', 2) })).items).toEqual([preset('a', 2)]);
});

it('puts a damaged file aside and reports it once', async () => {
  const { store, path, dataFolder, events } = await setUp();
  await writeFile(path, '{"format":"tokenscope-presets"');
  expect(await store.list()).toEqual([]);
  expect(await store.list()).toEqual([]);
  expect(events).toEqual([{ type: 'notice', message: expect.stringContaining('presets.json.corrupt') as string }]);
  await store.change({ was: null, now: preset('a', 1) });
  expect((await readdir(dataFolder)).sort()).toEqual(['presets.json', 'presets.json.corrupt']);
});

it('drops broken settings, and preserves entries that it cannot read', async () => {
  const { store, path } = await setUp();
  const later = { kind: 'voice', id: 'v' };
  const broken = { ...preset('a', 1), sampling: { topK: 'many', topP: 7 } };
  await writeFile(path, JSON.stringify(savedItemsFile([broken as never], [later])));
  const read = { ...preset('a', 1), sampling: { topP: 1 } };
  expect(await store.list()).toEqual([read]);
  await store.change({ was: null, now: preset('b', 2) });
  const { items } = JSON.parse(await readFile(path, 'utf8')) as { items: unknown[] };
  expect(items).toEqual([read, preset('b', 2), later]);
});

it('never changes a file of a later version', async () => {
  const { store, path, events } = await setUp();
  const later = JSON.stringify({ format: 'tokenscope-presets', version: 2, items: [] });
  await writeFile(path, later);
  expect(await store.list()).toEqual([]);
  await expect(store.change({ was: null, now: preset('a', 1) })).rejects.toThrow('later version');
  expect(await readFile(path, 'utf8')).toBe(later);
  expect(events).toHaveLength(1);
});

it('changes nothing without the lock, and limits the number of items', async () => {
  const locked = await setUp('Another window has the folder.');
  await expect(locked.store.change({ was: null, now: preset('a', 1) })).rejects.toThrow('Another window');
  const { store, path } = await setUp();
  const many = Array.from({ length: MAX_SAVED_ITEMS }, (_, at) => preset(`p${at}`, at));
  await writeFile(path, JSON.stringify(savedItemsFile(many)));
  await expect(store.change({ was: null, now: preset('one', 1) })).rejects.toThrow('500');
});
