import { expect, it } from 'vitest';
import { cutText } from './cut-text.ts';

it.each([
  ['abc', 5, 'abc'],
  ['abc', 2, 'ab'],
  ['a😀b', 2, 'a'],
  ['a😀b', 3, 'a😀'],
  ['😀', 1, ''],
  ['', 0, ''],
])('%j cut to %i units is %j', (text, length, cut) => {
  expect(cutText(text, length)).toBe(cut);
});
