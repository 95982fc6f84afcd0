import { expect, test } from 'vitest';
import { directionOfText } from './text-direction.ts';

test.each([
  ['שלום world', 'rtl'],
  ['hello עולם', 'ltr'],
  ['123 – «مرحبا»', 'rtl'],
  ['日本語', 'ltr'],
  ['\u200f!', 'rtl'],
  ['\u200e! שלום', 'ltr'],
  ['\u{1e900}', 'rtl'],
  ['123, 45 %', undefined],
  // Digits of a script have no direction of their own.
  ['٤٢', undefined],
  ['', undefined],
])('%s', (text, expected) => {
  expect(directionOfText(text)).toBe(expected);
});
