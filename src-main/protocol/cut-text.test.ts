import { expect, it } from 'vitest';
import { cutText, endOfText, firstCharacters, shortened } from './cut-text.ts';

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

it.each([
  ['abc', 5, 'abc'],
  ['abc', 2, 'bc'],
  ['abc', 0, ''],
  ['a😀b', 2, 'b'],
  ['a😀b', 3, '😀b'],
  ['😀', 1, ''],
])('the end of %j, %i units at most, is %j', (text, length, end) => {
  expect(endOfText(text, length)).toBe(end);
});

it.each([
  ['abc', 2, 'ab'],
  ['abc', 4, 'abc'],
  ['😀😀😀', 2, '😀😀'],
  ['a', 0, ''],
])('the first characters of %j, %i at most, are %j', (text, count, first) => {
  expect(firstCharacters(text, count)).toBe(first);
});

it.each([
  ['abcd', 4, 'abcd'],
  ['abcde', 4, 'abc…'],
  ['😀😀😀😀', 4, '😀😀😀😀'],
  ['😀😀😀😀😀', 4, '😀😀😀…'],
])('%j in %i characters is %j', (text, most, short) => {
  expect(shortened(text, most)).toBe(short);
});

it('may divide characters of several code points: limits count units or code points', () => {
  expect(cutText('👩‍🚀', 2)).toBe('👩');
  expect(firstCharacters('e\u0301', 1)).toBe('e');
});

it('keeps units that are no part of a pair', () => {
  expect(cutText('\ud83dx', 1)).toBe('\ud83d');
  expect(endOfText('x\ude00', 1)).toBe('\ude00');
  expect(firstCharacters('\ud83d\ud83dx', 2)).toBe('\ud83d\ud83d');
});
