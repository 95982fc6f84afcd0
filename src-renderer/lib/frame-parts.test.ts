import { expect, it } from 'vitest';
import { FrameParts } from './frame-parts.ts';

/** Draws frames that take `costs` in turn, ms. @returns number of parts that each one may draw, and the one after them */
function mostAfter(all: number, costs: readonly number[]): number[] {
  let clock = 0;
  let drawn = () => {};
  const parts = new FrameParts(all, { now: () => clock, drawn: (callback) => (drawn = callback) });
  const counts = [parts.most];
  for (const cost of costs) {
    parts.measure();
    clock += cost;
    drawn();
    counts.push(parts.most);
  }
  return counts;
}

it('draws all parts after some short frames', () => {
  expect(mostAfter(8, [5, 5, 5, 5, 5, 5, 5])).toEqual([2, 3, 4, 5, 6, 7, 8, 8]);
});

it('draws half as much after each long frame, but never nothing', () => {
  expect(mostAfter(8, [5, 5, 5, 60, 60, 60, 60])).toEqual([2, 3, 4, 5, 2, 1, 1, 1]);
});

it('stays with what is neither long nor short', () => {
  expect(mostAfter(8, [24, 24, 24])).toEqual([2, 2, 2, 2]);
});

it('draws a single part in every frame', () => {
  expect(mostAfter(1, [5, 60, 24])).toEqual([1, 1, 1, 1]);
});

it('says which share of all parts a frame draws', () => {
  expect(new FrameParts(8).share).toBe(0.25);
  expect(new FrameParts(1).share).toBe(1);
});
