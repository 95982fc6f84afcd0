import { expect, it } from 'vitest';
import { rowBeside } from './row-focus.ts';

it('moves the focus to the next row, from the last one to the one before, and nowhere from the only one', () => {
  expect(rowBeside(['a', 'b', 'c'], 'b')).toBe('c');
  expect(rowBeside(['a', 'b', 'c'], 'c')).toBe('b');
  expect(rowBeside(['a'], 'a')).toBeNull();
  expect(rowBeside(['a'], 'not on screen')).toBeNull();
});
