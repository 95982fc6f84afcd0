import { describe, expect, it } from 'vitest';
import { findLoop, MAX_PERIOD } from './repetition.ts';

/** No two tokens are equal. */
const distinct = (count: number, from = 1000) => Array.from({ length: count }, (_, index) => from + index);
const repeat = (ids: readonly number[], count: number) =>
  Array.from({ length: count }, (_, index) => ids[index % ids.length] ?? 0);

describe('a window', () => {
  it.each([
    [[1, 2, 1, 2], 2, { period: 2, tokens: 4 }],
    [[9, 1, 2, 1, 2], 2, { period: 2, tokens: 4 }],
    [[1, 2, 1, 3], 2, null],
    [[1, 2, 1], 2, null],
    [[5, 5], 1, { period: 1, tokens: 2 }],
    [[5, 5], 0, null],
    [[], 1, null],
  ])('%j with a window of %i: %j', (ids, window, expected) => {
    expect(findLoop(ids, window)).toEqual(expected);
  });

  it('ignores tokens before the reply', () => {
    expect(findLoop([1, 2, 1, 2], 2, 1)).toBeNull();
    expect(findLoop([9, 1, 2, 1, 2], 2, 1)).toEqual({ period: 2, tokens: 4 });
  });

  it('finds its own period at the first repeat, also above the largest other one', () => {
    for (const window of [10, 300]) {
      const ids = [...distinct(20), ...repeat(distinct(window, 1), 2 * window)];
      expect(findLoop(ids, window)).toEqual({ period: window, tokens: 2 * window });
      expect(findLoop(ids.slice(0, -1), window)).toBeNull();
    }
  });
});

describe('every period up to the largest', () => {
  const WINDOW = 10;
  const periods = Array.from({ length: MAX_PERIOD }, (_, index) => index + 1);
  /** Tokens of a loop when it is found. */
  const foundAt = (period: number) => {
    const before = distinct(50);
    const loop = repeat(distinct(period, 1), 1000);
    for (let length = 0; length <= loop.length; length++) {
      const found = findLoop([...before, ...loop.slice(0, length)], WINDOW, 7);
      if (found !== null) return { ...found, length };
    }
    return null;
  };

  it('is found, whether it divides the window or not', () => {
    for (const period of periods) {
      const found = foundAt(period);
      expect(found, `period ${period}`).toMatchObject({ period, tokens: found?.length });
    }
  });

  it('is found no later than by the window, and after three rounds at most if it is longer', () => {
    for (const period of periods) {
      const length = foundAt(period)?.length ?? Infinity;
      const divides = WINDOW % period === 0;
      expect(length, `period ${period}`).toBe(divides ? 2 * WINDOW : Math.max(2 * WINDOW, 3 * period));
    }
  });

  it('is not found where a text says something twice', () => {
    for (const period of periods.filter((one) => one > WINDOW)) {
      const ids = [...distinct(5), ...repeat(distinct(period, 1), 2 * period), 0];
      for (let length = 1; length <= ids.length; length++) expect(findLoop(ids.slice(0, length), WINDOW)).toBeNull();
    }
  });
});
