import { expect, it } from 'vitest';
import { addProblem } from './list-limits.ts';

it('says why a text cannot be added', () => {
  const limits = { maxCount: 2, maxLength: 1024 };
  expect(addProblem('x'.repeat(1024), 1, limits)).toBeNull();
  expect(addProblem('x', 2, limits)).toBe('The list is full: 2 entries. Remove one first.');
  expect(addProblem('x'.repeat(1025), 1, limits)).toBe('Too long: 1,025 characters. The limit is 1,024.');
});
