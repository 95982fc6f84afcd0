import { expect, it } from 'vitest';
import { endsInRepetition } from './repetition.ts';

it.each([
  [[1, 2, 1, 2], 2, true],
  [[9, 1, 2, 1, 2], 2, true],
  [[1, 2, 1, 3], 2, false],
  [[1, 2, 1], 2, false],
  [[5, 5], 1, true],
  [[5, 5], 0, false],
  [[], 1, false],
])('%j with a window of %i: %s', (ids, window, expected) => {
  expect(endsInRepetition(ids, window)).toBe(expected);
});

it('ignores tokens before the reply', () => {
  expect(endsInRepetition([1, 2, 1, 2], 2, 1)).toBe(false);
  expect(endsInRepetition([9, 1, 2, 1, 2], 2, 1)).toBe(true);
});
