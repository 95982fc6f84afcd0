import { expect, it } from 'vitest';
import { lineSegments } from './line-segments.ts';

const part = (id: number, from: number, to: number, piece = `·w${id}`) => ({ id, piece, from, to });

it('fills gaps between the listed candidates, but not those of rounding', () => {
  const segments = lineSegments([part(1, 0, 0.5), part(2, 0.5 + 1e-12, 0.7), part(3, 0.8, 0.9)], 1000);
  expect(segments.map(({ id, from, to }) => [id, from, to])).toEqual([
    [1, 0, 0.5],
    [2, 0.5 + 1e-12, 0.7],
    [null, 0.7, 0.8],
    [3, 0.8, 0.9],
    [null, 0.9, 1],
  ]);
  expect(new Set(segments.map(({ key }) => key)).size).toBe(segments.length);
});

it('labels a candidate where its piece fits', () => {
  const labels = (width: number) =>
    lineSegments([part(1, 0, 0.9), part(2, 0.9, 1, '·extraordinary')], width).map(({ labelled }) => labelled);
  expect(labels(400)).toEqual([true, false]);
  expect(labels(2000)).toEqual([true, true]);
  expect(labels(10)).toEqual([false, false]);
});
