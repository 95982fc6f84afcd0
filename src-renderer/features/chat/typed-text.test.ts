import { expect, it } from 'vitest';
import { readTyped, showTyped } from './typed-text.ts';

it('reads escapes, and shows line breaks and tabs as signs', () => {
  expect(readTyped(String.raw`a\nb\\n\t`)).toBe('a\nb\\n\t');
  expect(showTyped('a\n\tb')).toBe('a⏎⇥b');
});
