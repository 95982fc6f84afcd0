import { expect, it } from 'vitest';
import { rowsInPage } from './list-window.ts';

it('has the rows near the visible part in the page, however long the list is', () => {
  expect(rowsInPage([5], 0, 600)).toEqual([{ from: 0, to: 5 }]);
  for (const size of [1000, 100_000]) {
    const [{ from, to }] = rowsInPage([size], 6000, 600);
    expect(from).toBeLessThanOrEqual((6000 - 28) / 30);
    expect(to).toBeGreaterThanOrEqual((6600 - 28) / 30);
    expect(to - from).toBeLessThanOrEqual(72);
  }
});

it('goes over groups', () => {
  expect(rowsInPage([2, 3, 1000], 0, 600)).toMatchObject([{ from: 0, to: 2 }, { from: 0, to: 3 }, { from: 0 }]);
  expect(rowsInPage([2, 1000, 500], 30_300, 600)).toMatchObject([
    { from: 2, to: 2 },
    { from: 986, to: 1000 },
    { from: 0 },
  ]);
});
