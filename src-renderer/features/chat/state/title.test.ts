import { expect, it } from 'vitest';
import { titleFrom } from './title.ts';

it('makes a title of the first words', () => {
  expect(titleFrom('Hello  world\n again')).toBe('Hello world again');
  expect(titleFrom('   ')).toBe('New chat');
  const long = titleFrom('Once upon a time, there was a little girl who lived in a house');
  expect(long).toBe('Once upon a time, there was a little girl who…');
  expect([...titleFrom('😀'.repeat(80))]).toHaveLength(49);
});
