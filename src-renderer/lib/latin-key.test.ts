import { expect, it } from 'vitest';
import { latinKey } from './latin-key.ts';

it.each([
  ['Cyrillic', 'л', 'KeyK', 'k'],
  ['Cyrillic with Caps Lock', 'Л', 'KeyK', 'k'],
  ['Greek', 'ν', 'KeyN', 'n'],
  ['Hebrew', 'ל', 'KeyK', 'k'],
  ['Arabic', 'ن', 'KeyK', 'k'],
  ['a Persian digit', '۳', 'Digit3', '3'],
  ['the comma’s key in Russian', 'б', 'Comma', ','],
  ['a digit’s key in Czech', 'ě', 'Digit2', '2'],
])('is found by its position: %s', (_, key, code, name) => {
  expect(latinKey({ key, code })).toBe(name);
});

it.each([
  ['letters', 'K', 'KeyK', 'k'],
  // Where layouts differ, what is printed on the key counts.
  ['letters of a French keyboard', 'a', 'KeyQ', 'a'],
  ['Latin letters of other alphabets', 'ı', 'KeyI', 'ı'],
  ['letters with accents', 'Ö', 'Comma', 'ö'],
  ['signs', '?', 'Slash', '?'],
  ['names of keys', 'Escape', 'Escape', 'Escape'],
  ['keys that have no position', 'ж', '', 'ж'],
])('is as it is: %s', (_, key, code, name) => {
  expect(latinKey({ key, code })).toBe(name);
});
