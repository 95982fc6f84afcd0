import { expect, it } from 'vitest';
import { chooseThreads } from './thread-choice.ts';
import { clearlyFaster, measureOnce } from './measure-once.ts';

const measureAlways = measureOnce({}, undefined);

/** Chooses for given times (ms per token by number of threads); also returns the timed pairs. */
async function chosen(most: number, ms: Record<number, number>) {
  const pairs: number[][] = [];
  const choice = await chooseThreads(most, 'a model', measureAlways, async (more, fewer) => {
    pairs.push([more, fewer]);
    return clearlyFaster([ms[more]], [ms[fewer]]);
  });
  return { ...choice, pairs };
}

it('halves the number of threads while that is faster', async () => {
  expect(await chosen(8, { 8: 5, 4: 3, 2: 3.5 })).toEqual({
    threads: 4,
    pairs: [
      [8, 4],
      [4, 2],
    ],
    before: false,
    reason: 'measured: one token takes 5.00 ms on 8 threads, 3.00 ms on 4, 3.50 ms on 2',
  });
  expect(await chosen(5, { 5: 5, 3: 4, 2: 3, 1: 2 })).toMatchObject({ threads: 1, reason: /2.00 ms on one$/ });
  expect(await chosen(2, { 2: 2, 1: 5 })).toMatchObject({ threads: 2, pairs: [[2, 1]] });
});

it('times nothing for a single thread, or if times are known', async () => {
  expect(await chosen(1, {})).toEqual({
    threads: 1,
    pairs: [],
    before: false,
    reason: 'only one thread is available',
  });
  const kept = { get: async (key: string) => (key.startsWith('4 or 2') ? [5, 2] : [2, 5]), set: async () => {} };
  const once = measureOnce({ hash: 'of these kernels' }, kept);
  const timed = () => Promise.reject(new Error('this is known'));
  expect(await chooseThreads(4, 'a model', once, timed)).toEqual({
    threads: 2,
    before: true,
    reason: 'measured earlier on this computer: one token takes 5.00 ms on 4 threads, 2.00 ms on 2, 5.00 ms on one',
  });
});
