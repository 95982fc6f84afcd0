import { EditorState } from '@codemirror/state';
import { expect, it } from 'vitest';
import { foundIn, foundText, setFound } from './found.ts';

it('finds a text whatever its case, and in no other line', () => {
  expect(foundIn('A Needle, needles', 'needle')).toEqual([
    { from: 2, to: 8 },
    { from: 10, to: 16 },
  ]);
  expect(foundIn('need\nle', 'needle')).toEqual([]);
  expect(foundIn('a\u00a0b', 'a b', 40)).toEqual([{ from: 40, to: 43 }]);
  expect(foundIn('text', '')).toEqual([]);
});

it('shows what was jumped to until the text changes, and marks the query until there is another one', () => {
  const current = { from: 2, to: 8 };
  let { state } = EditorState.create({ doc: 'A Needle', extensions: foundText }).update({
    effects: [setFound.of({ query: 'needle' }), setFound.of({ current })],
  });
  expect(state.field(foundText)).toEqual({ query: 'needle', current });
  ({ state } = state.update({ selection: { anchor: 8 } }));
  expect(state.field(foundText)).toEqual({ query: 'needle', current });
  ({ state } = state.update({ changes: { from: 8, insert: 's' } }));
  expect(state.field(foundText)).toEqual({ query: 'needle', current: null });
  ({ state } = state.update({ effects: setFound.of({ query: '' }) }));
  expect(state.field(foundText)).toEqual({ query: '', current: null });
});
