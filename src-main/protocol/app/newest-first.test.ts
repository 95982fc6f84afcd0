import { expect, test } from 'vitest';
import { newestFirst } from './newest-first.ts';

test('the latest change comes first, equal ones stay in their order, and the list itself is not changed', () => {
  const item = (id: string, day: number) => ({ id, updatedAt: new Date(Date.UTC(2026, 0, day)).toISOString() });
  const list = [item('b', 2), item('a', 1), item('c', 9), item('d', 2), item('e', 10)];
  expect(newestFirst(list).map(({ id }) => id)).toEqual(['e', 'c', 'b', 'd', 'a']);
  expect(list.map(({ id }) => id)).toEqual(['b', 'a', 'c', 'd', 'e']);
});
