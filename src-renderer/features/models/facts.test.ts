import { expect, it } from 'vitest';
import { headsText, memoryParts } from './facts.ts';

it('says when heads share caches', () => {
  expect(headsText({ heads: 4, kvHeads: 4 })).toBe('4');
  expect(headsText({ heads: 9, kvHeads: 3 })).toBe('9, sharing 3 caches');
  expect(headsText({ heads: 8, kvHeads: 1 })).toBe('8, sharing 1 cache');
});

it('splits the memory into parts of the whole', () => {
  const { total, parts } = memoryParts({
    contextSize: 1000,
    memoryBytes: { weights: 6_000_000, kvCache: 2_000_000, scratch: 2_000_000 },
  });
  expect(total).toBe(10_000_000);
  expect(parts.map((part) => [part.name, part.text, part.share])).toEqual([
    ['Weights', '6.0 MB', 0.6],
    ['Context cache, 2.0 KB per token', '2.0 MB', 0.2],
    ['Working space', '2.0 MB', 0.2],
  ]);
});

it('stays finite when nothing is held', () => {
  const { parts } = memoryParts({ contextSize: 0, memoryBytes: { weights: 0, kvCache: 0, scratch: 0 } });
  expect(parts.every((part) => part.share === 0)).toBe(true);
});
