import { expect, it } from 'vitest';
import { numberFrom, numberText, rounded } from './number-text.ts';

it('groups whole numbers, but not seeds or fractions', () => {
  expect(numberText(4096, 0, true)).toBe('4,096');
  expect(numberText(320, 0, true)).toBe('320');
  expect(numberText(4_294_967_295, 0, false)).toBe('4294967295');
  expect(numberText(1234.5, 2, true)).toBe('1234.50');
});

it('shows the decimals that a fraction has, at least those of a step and at most four', () => {
  expect(numberText(0.001, 2, true)).toBe('0.001');
  expect(numberText(1.005, 2, true)).toBe('1.005');
  expect(numberText(0.3, 2, true)).toBe('0.30');
  expect(numberText(0.1 + 0.2, 1, true)).toBe('0.3');
  // What a model's file recommends has single precision.
  expect(numberText(Math.fround(0.6), 2, true)).toBe('0.60');
  expect(numberText(0.99996, 2, true)).toBe('1.00');
});

it('keeps a typed fraction that is finer than a step', () => {
  expect(rounded(0.001, 2)).toBe(0.001);
  expect(rounded(0.999, 2)).toBe(0.999);
  expect(rounded(0.12344, 1)).toBe(0.1234);
  expect(rounded(1e-6, 6)).toBe(1e-6);
  expect(rounded(40.6, 0)).toBe(41);
});

it('reads what it shows', () => {
  expect(numberFrom('4,096', 0)).toBe(4096);
  expect(numberFrom('131,072', 0)).toBe(131_072);
  // A digit was typed at the end.
  expect(numberFrom('4,0968', 0)).toBe(40_968);
  expect(numberFrom(' 4\u00a0096 ', 0)).toBe(4096);
  expect(numberFrom('1,234,567.5', 1)).toBe(1_234_567.5);
});

it('reads a decimal comma where there are decimals', () => {
  expect(numberFrom('0,8', 2)).toBe(0.8);
  expect(numberFrom('0.8', 2)).toBe(0.8);
  expect(numberFrom('-1,5', 1)).toBe(-1.5);
});

it('distinguishes an empty text from one that is no number', () => {
  expect(numberFrom('', 0)).toBeNull();
  expect(numberFrom(' ', 2)).toBeNull();
  expect(numberFrom('1e999', 0)).toBeUndefined();
  expect(numberFrom('four', 0)).toBeUndefined();
});
