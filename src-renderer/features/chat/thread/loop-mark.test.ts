import { expect, it } from 'vitest';
import { loopStart } from './loop-mark.ts';

it.each([
  ['one two two', 'two', 'two'],
  // The signs of Markdown are not shown, and white space may differ.
  ['A list:\nred\nred\n', '- **red**\n', 'red\n'],
  // A sign that formatting adds.
  ['Once. red↩ red↩', ' red[^1] red[^1]', 'red↩ red↩'],
  ['one', 'xyz', ''],
  ['', 'x', ''],
])('%j, of which %j is the end', (shown, raw, marked) => {
  expect(shown.slice(loopStart(shown, raw))).toBe(marked);
});

it('marks no more than the loop', () => {
  const round = 'and the *cat* sat. ';
  const raw = `Once. ${round.repeat(4)}`;
  const shown = raw.replaceAll('*', '');
  const start = loopStart(shown, round.repeat(3));
  expect(shown.slice(start)).toBe('and the cat sat. '.repeat(3));
});
